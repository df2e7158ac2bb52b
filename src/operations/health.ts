import { SignalboxError } from "../core/errors.ts";
import { operation } from "./operation.ts";

export const liveness = operation({
  name: "liveness",
  summary: "Whether the process answers.",
  method: "GET",
  path: "/livez",
  permission: "open",
  isChange: false,
  run: async () => ({ status: 200, body: { status: "ok" } }),
});

export const readiness = operation({
  name: "readiness",
  summary: "Whether the store can be written to and the runner keeps up.",
  method: "GET",
  path: "/readyz",
  permission: "open",
  isChange: false,
  async run(_asked, _caller, { notReady }) {
    const why = await notReady();
    if (why !== undefined) throw new SignalboxError("store-unavailable", why);
    return { status: 200, body: { status: "ok" } };
  },
});
