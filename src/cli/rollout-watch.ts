import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import { jsonLine, plain, type Output } from "./output.ts";
import type { RolloutHostView, RolloutView } from "../operations/rollout-schemas.ts";
import { endOf, isMoving, movingStates, statusLine, statusLines } from "./rollout-status.ts";

const pollEveryMs = 500; // a person sees it move; the server hardly feels it
const unreachableForMs = 30_000; // a server that restarts is back by then
const movingMax = 200; // more than is shown; beyond that they are only counted

/**
 * Shows a rollout until it has ended or the signal is aborted: drawn over itself on a terminal, a line per change otherwise.
 * Answers with how it was seen last.
 */
export async function watchRollout(given: {
  client: Client;
  output: Output;
  rolloutId: string;
  signal: AbortSignal;
  /** Before each line. */
  indent?: string;
  /** With JSON: a line of it per change (`changes`), or nothing at all (`none`). */
  json?: "changes" | "none";
  isEnough?(rollout: RolloutView): boolean;
}): Promise<RolloutView | undefined> {
  const { client, output, rolloutId, signal, indent = "", json } = given;
  const isEnough = given.isEnough ?? ((rollout: RolloutView) => endOf(rollout) !== undefined);
  let shown = "";
  let last: RolloutView | undefined;
  let answeredAt = Date.now();
  while (!signal.aborted) {
    const seen = await look();
    if (seen !== undefined) {
      last = seen.rollout;
      show(seen.rollout, seen.moving);
      if (isEnough(seen.rollout)) break;
    }
    await delay(pollEveryMs, undefined, { signal }).catch(() => undefined);
  }
  if (output.isTerminal && json === undefined && shown !== "") output.line("");
  return last;

  async function look(): Promise<{ rollout: RolloutView; moving: RolloutHostView[] } | undefined> {
    try {
      const rollout = await client.call("show-rollout", { params: { rollout: rolloutId }, signal });
      const moving = output.isTerminal && json === undefined ? await movingHosts(client, rolloutId, signal) : [];
      answeredAt = Date.now();
      return { rollout, moving };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isSignalboxError(error, "server-unreachable") || Date.now() - answeredAt > unreachableForMs) throw error;
      return undefined;
    }
  }

  function show(rollout: RolloutView, moving: readonly RolloutHostView[]): void {
    if (json === "none") return;
    const lines = output.isTerminal && json === undefined ? statusLines(rollout, moving) : [statusLine(rollout)];
    const text = lines.map((line) => plain(`${indent}${line}`)).join("\n");
    if (text === shown) return;
    shown = text;
    if (json === "changes") output.line(jsonLine(rollout));
    else if (output.isTerminal) output.redraw(text);
    else output.line(text);
  }
}

/** Those that are on their way, offered their dispatch, or to be looked at by somebody. */
export async function movingHosts(client: Client, rolloutId: string, signal?: AbortSignal): Promise<RolloutHostView[]> {
  const pages = await Promise.all(
    movingStates.map((state) =>
      client.call("list-rollout-hosts", {
        params: { rollout: rolloutId },
        query: { state, limit: movingMax },
        ...(signal && { signal }),
      }),
    ),
  );
  return pages.flatMap(({ items }) => items.filter(isMoving));
}

/** Waits for the end. Answers with the exit code: 0 for Terminal; otherwise `wait-ended-otherwise` is thrown. */
export async function waitForRollout(given: {
  client: Client;
  output: Output;
  rolloutId: string;
  isJson: boolean;
}): Promise<number> {
  const { output, rolloutId, isJson } = given;
  const signal = new AbortController().signal; // Ctrl-C ends the command as it ends any other
  const rollout = await watchRollout({ ...given, signal, ...(isJson && { json: "none" as const }) });
  if (rollout === undefined) return 0;
  if (isJson) output.line(jsonLine(rollout));
  if (endOf(rollout) === "asked") return 0;
  const { state, failure, supersededBy, endedBy } = rollout;
  const why = supersededBy ?? (state === "Superseded" ? endedBy : failure?.host) ?? "";
  const detail = `${rolloutId} ended in ${state}${why === "" ? "" : ` (${why})`}; \`signalbox rollout show ${rolloutId}\` says more.`;
  throw new SignalboxError("wait-ended-otherwise", detail, { extra: { state } });
}

/** Works until it is done or somebody presses Ctrl-C, which is no failure of who only looks. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    await work(stop.signal);
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}
