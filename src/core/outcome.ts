import type { AnyEventObject } from "xstate";
import type { Refusal } from "./law.ts";

/** What one region of an instance waits for. Times are epoch ms; `until: null` is no deadline. */
export interface WaitingFor {
  region: string;
  what: string;
  since: number;
  until: number | null;
  overdue: boolean;
}

/** An instance as it is told to callers. Times are epoch ms. */
export interface Instance {
  id: string;
  machine: string;
  machineVersion: number;
  /** Counts changes; 1 after creation. */
  version: number;
  /** The leading region's state. */
  state: string;
  /** XState's whole state value. */
  value: unknown;
  status: "active" | "done" | "error";
  tags: string[];
  context: unknown;
  /** The commit that last changed the state. */
  since: number;
  /** The nearest pending timer. */
  deadline: number | null;
  waitingFor: WaitingFor[];
  /** Structural: no guard is evaluated, since it may need the payload. */
  hears: { type: string; needs: string[] }[];
  labels: Readonly<Record<string, string>>;
  createdAt: number;
  updatedAt: number;
}

/** The answer to an event. */
export interface Sent {
  outcome: "changed" | "unchanged" | "refused";
  version: number;
  /** Why it was refused. */
  reasons?: Refusal[];
  /** The answer was given before, to the same command. `outcome`, `version` and `reasons` are those of then. */
  replayed?: true;
  /** As it is now. */
  instance: Instance;
}

/** One move of a transaction. */
export type Move =
  | { id: string; event: AnyEventObject; expectedVersion?: number }
  | { create: { machine: string; id: string; input: unknown; labels?: Readonly<Record<string, string>> } };
