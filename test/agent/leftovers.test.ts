import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommand } from "../../src/agent/run-command.ts";
import { signalPid } from "../../src/providers/processes/process-identity.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { until } from "../providers/until.ts";
import { createWorkplace } from "./workplace.ts";

it("a command of moments leaves nothing behind that it has started", async () => {
  const { path } = createWorkplace();
  const command = ["/bin/sh", "-c", "sleep 987 & echo $! > left; exit 0"];

  const end = await runCommand({
    command,
    workDir: path,
    timeoutMs: 20_000,
    clock: systemClock(),
    signal: new AbortController().signal,
  });

  const left = Number(readFileSync(join(path, "left"), "utf8"));
  expect(end).toMatchObject({ kind: "exited", exitCode: 0 });
  await until("what was left is gone", () => !signalPid(left, 0));
});
