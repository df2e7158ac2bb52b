import type { AnswerTo } from "../client/index.ts";
import { counted } from "./rollout-operations.ts";

type Application = AnswerTo<"apply-fleet">;

const namesShown = 10; // a fleet has thousands

/** What a declaration changes, a line each: `+` is new, `-` goes, `~` differs, `>` is opened. */
export function applicationLines(application: Application): string[] {
  if (isAsItIs(application)) return ["It is what holds already; no rollout would be opened."];
  const { difference, rollouts } = application;
  const { channels, hosts, parts } = difference;
  return [
    ...channels.map(channelLine),
    ...hostLines("+", hosts.added),
    ...hostLines("-", hosts.removed),
    ...hostLines("~", hosts.changed),
    ...parts.map((part) => `~ ${part}`),
    ...rollouts.map(rolloutLine),
    ...lateLines(difference),
  ];
}

/** Nothing that it says is new, and nothing would be opened; it may still be said in other words. */
export function isAsItIs({ difference: { channels, hosts, parts }, rollouts }: Application): boolean {
  const { added, removed, changed } = hosts;
  return [channels, added, removed, changed, parts, rollouts].every((each) => each.length === 0);
}

/** A rollout is over the hosts that there were when it opened. */
function lateLines({ channels, hosts }: Application["difference"]): string[] {
  const isFirst = channels.length > 0 && channels.every(({ from }) => from === null);
  if (isFirst || hosts.added.length + hosts.changed.length === 0) return [];
  return [
    "  hosts that are new in a channel whose ref stays get it with the channel's next rollout, or with `signalbox rollout retry CHANNEL --reason TEXT`",
  ];
}

function channelLine({ channel, from, to }: Application["difference"]["channels"][number]): string {
  if (from === null) return `+ channel ${channel}: ${to}`;
  return to === null ? `- channel ${channel}: ${from}` : `~ channel ${channel}: ${from} -> ${to}`;
}

function hostLines(mark: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length - namesShown;
  const shown = names.slice(0, namesShown).join(", ");
  return [`${mark} ${counted(names.length, "host")}: ${shown}${more > 0 ? ` and ${more} more` : ""}`];
}

function rolloutLine({ channel, ref, from, hosts, why }: Application["rollouts"][number]): string {
  if (why !== undefined) return `  no rollout of ${ref} over ${channel}: ${why}`;
  return `> rollout of ${ref} over ${channel}, ${counted(hosts, "host")}${from === null ? "" : `, from ${from}`}`;
}
