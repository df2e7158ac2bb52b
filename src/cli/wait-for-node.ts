import { setTimeout as delay } from "node:timers/promises";
import type { Client, InstanceView } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import { jsonLine, plain, type Output } from "./output.ts";

const pollEveryMs = 250; // a person sees it move; the server hardly feels it
const unreachableForMs = 30_000; // a server that restarts is back by then

/**
 * Shows a node until it is in one of the states: over itself on a terminal, a line per change otherwise. Answers with the
 * exit code: 0, or 5 when the node comes to rest elsewhere.
 */
export async function waitForNode(given: {
  client: Client;
  output: Output;
  node: string;
  until: readonly string[];
  /** It is still Active, and that is not the end: its turn comes. */
  isInLine: boolean;
  isJson: boolean;
}): Promise<number> {
  const { client, output, node, until, isJson } = given;
  let { isInLine } = given;
  let shown = "";
  let answeredAt = Date.now();
  for (;;) {
    const instance = await look();
    if (instance !== undefined) {
      isInLine &&= instance.state === "Active";
      show(isInLine ? plain(`${node}  in line for its maintenance groups`) : progressOf(node, instance));
      const end = isInLine ? undefined : endOf(instance, until);
      if (end !== undefined) return finish(instance, end);
    }
    await delay(pollEveryMs);
  }

  async function look(): Promise<InstanceView | undefined> {
    try {
      const instance = await client.call("show-node", { params: { node } });
      answeredAt = Date.now();
      return instance;
    } catch (error) {
      if (!isSignalboxError(error, "server-unreachable") || Date.now() - answeredAt > unreachableForMs) throw error;
      return undefined;
    }
  }

  function show(text: string): void {
    if (isJson || text === shown) return;
    shown = text;
    if (output.isTerminal) output.redraw(text);
    else output.line(text);
  }

  function finish(instance: InstanceView, end: "asked" | "otherwise"): number {
    if (isJson) output.line(jsonLine(instance));
    else if (output.isTerminal) output.line("");
    if (end === "asked") return 0;
    const detail = `${node} came to rest in ${instance.state}: ${instance.waitingFor[0]?.what ?? ""}`;
    throw new SignalboxError("wait-ended-otherwise", detail, { extra: { state: instance.state } });
  }
}

/** Whether nothing more comes by itself. */
function endOf({ state, tags, status }: InstanceView, until: readonly string[]): "asked" | "otherwise" | undefined {
  if (until.includes(state)) return "asked";
  return tags.includes("steady") || tags.includes("attention") || status !== "active" ? "otherwise" : undefined;
}

/** "alpha  Recovery  until 2030-01-31T18:00:00.000Z  the recovery ramp to pass" */
export function progressOf(node: string, { state, waitingFor: [wait] }: InstanceView): string {
  const limit = wait === undefined || wait.until === null ? "" : `until ${wait.until}  `;
  return plain(`${node}  ${state}  ${limit}${wait?.what ?? ""}`);
}
