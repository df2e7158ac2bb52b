import type { Operation } from "./operation.ts";

/** Operations that belong together, in the order in which they are shown. */
export interface Group {
  name: string;
  /** One sentence. */
  description: string;
}

const known: readonly (Group & { segments: readonly string[] })[] = [
  {
    name: "Machines",
    description: "The statecharts that run here.",
    segments: ["machines"],
  },
  {
    name: "Instances",
    description: "What is, what moves it, and what happened to it.",
    segments: ["instances", "attention", "overview", "transactions", "journal", "verify"],
  },
  {
    name: "Pending",
    description: "What is to happen: calls, timers and messages.",
    segments: ["pending"],
  },
  {
    name: "Audit",
    description: "The journal as evidence: a chain of hashes.",
    segments: ["audit"],
  },
  {
    name: "Nodes",
    description: "Nodes and their maintenance.",
    segments: ["nodes"],
  },
  {
    name: "Rollouts",
    description: "Versions brought to the hosts of a fleet, wave after wave.",
    segments: ["fleet", "rollouts", "channels", "quarantines", "freeze"],
  },
  {
    name: "Agents",
    description: "What the agent of a host asks and tells.",
    segments: ["agent"],
  },
  {
    name: "Server",
    description: "The server itself.",
    segments: [],
  },
];

export const groups: readonly Group[] = known;

/** The name of the group that an operation belongs to: the first part of its path below `/v1` says so. */
export function groupOf({ path }: Operation): string {
  const [, segment = ""] = /^\/v1\/([^/]+)/.exec(path) ?? [];
  return known.find(({ segments }) => segments.includes(segment))?.name ?? "Server";
}
