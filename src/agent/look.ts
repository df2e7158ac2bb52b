import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { AgentProbe, ExecProbe, HttpProbe } from "./agent-file.ts";
import { httpAnswer } from "./http-answer.ts";
import { runCommand } from "./run-command.ts";
import { accepted } from "./witnesses.ts";
import { lastLineOf } from "./version.ts";

/** What a probe saw; `why` when it is not as it should be. */
export type Seen = { readonly status: "pass" } | { readonly status: "fail"; readonly why: string };

interface Looking {
  readonly workDir: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One look. Throws the signal's reason when that is aborted. */
export async function look(probe: AgentProbe, looking: Looking): Promise<Seen> {
  const { signal } = looking;
  const limit = AbortSignal.timeout(probe.timeoutMs);
  try {
    const why = await faultOf(probe, { ...looking, signal: AbortSignal.any([signal, limit]) });
    signal.throwIfAborted();
    return why === undefined ? { status: "pass" } : { status: "fail", why: why.slice(0, reasonMax) };
  } catch (error) {
    signal.throwIfAborted();
    const why = limit.aborted ? `no answer within ${probe.timeoutMs} ms` : messageOf(error) || "no answer";
    return { status: "fail", why: why.slice(0, reasonMax) };
  }
}

const reasonMax = 1_000; // what the event may carry

async function faultOf(probe: AgentProbe, looking: Looking): Promise<string | undefined> {
  switch (probe.kind) {
    case "http":
      return faultOfPage(probe, looking.signal);
    case "tcp":
      await accepted({ hostname: probe.host, port: String(probe.port) }, looking.signal);
      return undefined;
    case "exec":
      return faultOfCommand(probe, looking);
    default:
      return probe satisfies never;
  }
}

async function faultOfPage(probe: HttpProbe, signal: AbortSignal): Promise<string | undefined> {
  const { status, body } = await httpAnswer({ url: probe.url, signal });
  if (status !== probe.expectStatus) return `status ${status}, not ${probe.expectStatus}`;
  if (probe.bodyContains === undefined || body.includes(probe.bodyContains)) return undefined;
  return `the body does not contain ${JSON.stringify(probe.bodyContains)}`;
}

async function faultOfCommand(
  { command, expectExit, timeoutMs }: ExecProbe,
  looking: Looking,
): Promise<string | undefined> {
  const end = await runCommand({ command, timeoutMs, ...looking });
  switch (end.kind) {
    case "exited":
      if (end.exitCode === expectExit) return undefined;
      return [`exit code ${end.exitCode}, not ${expectExit}`, lastLineOf(end.stderr)].filter(Boolean).join(": ");
    case "timed-out":
      return `no end within ${timeoutMs} ms`;
    case "not-started":
      return `not started: ${end.reason}`;
    default:
      return end satisfies never;
  }
}
