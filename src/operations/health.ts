import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import { operation } from "./operation.ts";
import { checkPermission } from "./permission.ts";
import { readinessChecks, type ReadinessCheck } from "./readiness-checks.ts";
import { health, readinessReport } from "./server-schemas.ts";
import { timeText } from "./wire.ts";

export const liveness = operation({
  name: "liveness",
  summary: "Whether the process answers.",
  method: "GET",
  path: "/livez",
  permission: "open",
  answers: { 200: { description: "It answers.", schema: health } },
  isChange: false,
  run: async () => ({ status: 200, body: { status: "ok" as const } }),
});

export const readiness = operation({
  name: "readiness",
  summary:
    "Whether the store can be written to and the runner keeps up; `verbose` tells each check, to whoever may read.",
  method: "GET",
  path: "/readyz",
  query: z.strictObject({ verbose: z.enum(["", "true", "false"]).optional() }),
  permission: "open",
  answers: { 200: { description: "It is ready.", schema: z.union([health, readinessReport]) } },
  errors: ["unauthenticated", "forbidden", "store-unavailable"],
  isChange: false,
  async run({ query: { verbose = "false" } }, caller, workplace) {
    const isVerbose = verbose !== "false";
    if (isVerbose) checkPermission(caller, "read");
    const checks = await readinessChecks(workplace);
    const failing = checks.filter(({ isPassing }) => !isPassing);
    if (failing.length > 0) {
      const why = failing.map(({ detail }) => detail).join(" ");
      throw new SignalboxError("store-unavailable", why, isVerbose ? { extra: { checks: checks.map(checkBody) } } : {});
    }
    if (!isVerbose) return { status: 200, body: { status: "ok" as const } };
    const { engine, version, figures } = workplace;
    const sweep = engine.lastSweep();
    return {
      status: 200,
      body: {
        status: "ok" as const,
        checks: checks.map(checkBody),
        version,
        uptimeSeconds: Math.floor(process.uptime()),
        openStreams: figures.openStreams(),
        housekeeping: sweep && { at: timeText(sweep.at), status: statusOf(!sweep.hasFailed) },
      },
    };
  },
});

function checkBody({ name, isPassing, detail }: ReadinessCheck) {
  return { name, status: statusOf(isPassing), detail };
}

function statusOf(isPassing: boolean): "ok" | "failing" {
  return isPassing ? "ok" : "failing";
}
