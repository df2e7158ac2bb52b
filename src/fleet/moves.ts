import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import type { Decision, GateVerdict, PlannedMove } from "../planning/plan-types.ts";
import { firstDispatch } from "./dispatches.ts";
import type { RolloutFacts } from "./facts.ts";
import { channelIdOf, lineId, planIdOf } from "./instance-ids.ts";

/** The line as a decision was made on it; version 0: it is not there yet. */
export interface LineAt {
  version: number;
}

export interface Transaction {
  moves: EngineMove[];
  /** The move that passes the line, by its place; what it answers is where the next one passes. */
  lineMove?: number;
}

type Dispatch = Extract<PlannedMove, { kind: "dispatch" }>;

const hostsAtOnce = 200; // two moves for each: far below what a transaction may have, and about 20 ms

interface Given {
  decision: Decision;
  facts: RolloutFacts;
  plan: FrozenPlan;
  /** Asked for each transaction anew. */
  line(): LineAt;
}

/** A decision as transactions of a bounded size, in its order. What it dispatches passes the line. */
export function* transactionsOf(given: Given): Generator<Transaction> {
  const { moves } = given.decision;
  const hasDispatch = moves.some(({ kind }) => kind === "dispatch");
  if (!hasDispatch && isNewGates(given)) yield { moves: [decided(given, 0)] };
  for (const portion of portionsOf(moves)) {
    const dispatches = portion.filter((move) => move.kind === "dispatch");
    if (dispatches.length > 0) yield dispatching(dispatches, given);
    else yield { moves: portion.flatMap((move) => movesOf(move, given)) };
  }
}

/** Moves that follow each other and are of one sort: what dispatches, and what does not. */
function portionsOf(moves: readonly PlannedMove[]): PlannedMove[][] {
  const portions: PlannedMove[][] = [];
  for (const move of moves) {
    const last = portions.at(-1);
    const isSameSort = (last?.[0]?.kind === "dispatch") === (move.kind === "dispatch");
    if (last !== undefined && isSameSort && last.length < hostsAtOnce) last.push(move);
    else portions.push([move]);
  }
  return portions;
}

function dispatching(dispatches: readonly Dispatch[], given: Given): Transaction {
  const { version } = given.line();
  const { facts } = given;
  const isUndo = facts.context.isUndo;
  const creation: EngineMove[] = version === 0 ? [{ create: { machine: "line", id: lineId, input: {} } }] : [];
  const passing: EngineMove = {
    id: lineId,
    event: { type: "dispatch.planned", ...(isUndo && { isUndo }) },
    expectedVersion: Math.max(1, version),
  };
  const moves = [
    ...creation,
    passing,
    decided(given, dispatches.length),
    ...dispatches.flatMap((move) => movesOf(move, given)),
  ];
  return { moves, lineMove: creation.length };
}

function decided({ decision, facts }: Given, dispatched: number): EngineMove {
  const gates = gatesOf(decision.gates, facts.context.gates);
  return { id: facts.id, event: { type: "plan.decided", dispatched, gates } };
}

/** A gate that has held before is told with the time from which it was told first: the same decision is no news. */
function gatesOf(gates: readonly GateVerdict[], before: readonly GateVerdict[]): GateVerdict[] {
  return gates.map((each) => before.find((other) => isSameGate(each, other)) ?? each);
}

function isNewGates({ decision, facts }: Given): boolean {
  const { gates } = facts.context;
  return (
    gates.length !== decision.gates.length ||
    decision.gates.some((each, place) => !isSameGate(each, gates[place] ?? { gate: each.gate, detail: "" }))
  );
}

function isSameGate(a: Pick<GateVerdict, "gate" | "detail">, b: Pick<GateVerdict, "gate" | "detail">): boolean {
  return a.gate === b.gate && a.detail === b.detail;
}

function movesOf(move: PlannedMove, { facts, plan }: Given): EngineMove[] {
  const { id: rolloutId, channel } = facts;
  switch (move.kind) {
    case "dispatch": {
      const { host, wave, isNew } = move;
      if (isNew) return firstDispatch({ rolloutId, host, wave, plan });
      return [{ id: hostIdOf(rolloutId, host), event: { type: "dispatch.offered" } }];
    }
    case "withdraw":
      return [{ id: hostIdOf(rolloutId, move.host), event: { type: "dispatch.withdrawn" } }];
    case "waive-soak":
      return [{ id: hostIdOf(rolloutId, move.host), event: { type: "soak.waived" } }];
    case "roll-back":
      return [{ id: hostIdOf(rolloutId, move.host), event: { type: "rollback.requested", reason: move.reason } }];
    case "release":
      return [{ id: hostIdOf(rolloutId, move.host), event: { type: "host.released", by: move.by } }];
    case "advance": {
      const { fromWave, toWave } = move;
      return [{ id: rolloutId, event: { type: "wave.advanced", fromWave, toWave } }];
    }
    case "prune":
      return [
        { id: channelIdOf(channel), event: { type: "rollout.forgotten", rolloutId } },
        { id: rolloutId, event: { type: "retention.expired" } },
        { id: planIdOf(rolloutId), event: { type: "document.dropped" } },
      ];
    default:
      return move satisfies never;
  }
}
