import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";
import type { Move } from "../core/outcome.ts";
import type { StampedEvent } from "../core/step.ts";
import type { Element, NewJournalRow, PendingChange, PendingRow, Write } from "../store/store.ts";
import { canonicalJson } from "../core/canonical.ts";
import { parseEvent, parseInput, type Catalogue } from "./catalogue.ts";
import { checkId } from "./check-id.ts";
import { isWithinState, withoutSettled, type Head } from "./head.ts";
import type { Heads, Hot } from "./heads.ts";
import type { Limits } from "./limits.ts";
import { waitFor, type Routine } from "./routine.ts";
import { createMove, eventMove, type Asker, type Child, type Moved, type Performs } from "./move.ts";

/** A move with what only the engine may add to it. */
export type EngineMove = Move & {
  /** By the engine: its own events are let through. By an operation for somebody: the fields that only it sets are. */
  sender?: "engine" | "operation";
  /** The event is XState's own (a timer, a completion): it has no schema. */
  isInner?: true;
};

/** What one transaction would do, stepped on heads that may not be committed yet. */
export interface Plan {
  answers: Answer[];
  element: Omit<Element, "command" | "fences">;
  /** Heads that the plan stepped or created. Nothing is installed before `install`. */
  install(): Hot[];
  /** Keys of calls that are withdrawn when it is committed. */
  withdrawn: string[];
  /** Heads by instance, as they will be. */
  headOf(id: string): Head;
}

/** The answer to one move, as it is remembered for a retry. */
export interface Answer {
  id: string;
  outcome: Moved["outcome"];
  version: number;
  reasons?: Refusal[];
  /** What else a dry run tells. */
  via: readonly string[];
  effects: Moved["effects"];
}

export interface Planner {
  /**
   * Steps the moves in order. When one is refused the plan is that refusal alone. To be called in the instances' turn.
   * `settled`: keys of the pending rows that its commit settles. Throws faults of the request; nothing is changed then.
   */
  plan(moves: readonly EngineMove[], asker: Asker, settled: ReadonlySet<string>): Routine<Plan>;
}

interface Stepped {
  hot: Hot | undefined;
  /** The version that the plan began with; 0: it is created. */
  base: number;
  head: Head;
  /** The head that the plan began with. */
  before: Head;
  isWritten: boolean;
}

/** A plan in the making. */
interface Draft {
  asker: Asker;
  /** Keys of the pending rows that its commit settles. */
  settled: ReadonlySet<string>;
  /** By instance, in order. */
  stepped: Map<string, Stepped>;
  journal: NewJournalRow[];
  changes: PendingChange[];
  withdrawn: string[];
  answers: Answer[];
}

export function createPlanner(given: {
  catalogue: Catalogue;
  heads: Heads;
  clock: Clock;
  limits: Limits;
  performs: Performs;
}): Planner {
  const { catalogue, heads, clock, limits, performs } = given;

  function* plan(moves: readonly EngineMove[], asker: Asker, settled: ReadonlySet<string>): Routine<Plan> {
    const draft: Draft = { asker, settled, stepped: new Map(), journal: [], changes: [], withdrawn: [], answers: [] };
    for (const move of moves) {
      if ("create" in move) {
        yield* create(draft, move.create);
        continue;
      }
      const { id } = move;
      const entry = draft.stepped.get(id) ?? begin(draft, heads.kept(id) ?? (yield* waitFor(heads.get(id))));
      const moved = send(draft, move, entry);
      if (moved === undefined) break;
      if (moved.children.length > 0) yield* createChildren(draft, moved);
    }
    return planOf(draft);
  }

  function planOf({ stepped, journal, changes, withdrawn, answers }: Draft): Plan {
    const writes: Write[] = [];
    const expects: { id: string; version: number }[] = [];
    for (const [id, { head, before, base, isWritten }] of stepped) {
      if (!isWritten) expects.push({ id, version: base });
      else if (base === 0) writes.push({ row: head.row, expected: base });
      else writes.push({ row: head.row, expected: base, isWithinState: isWithinState(head.row, before.row) });
    }
    return {
      answers,
      withdrawn,
      element: { writes, expects, journal, changes },
      install() {
        const hots: Hot[] = [];
        for (const { hot, head, isWritten } of stepped.values()) {
          if (hot !== undefined || isWritten) hots.push(heads.put(head, hot));
        }
        return hots;
      },
      headOf(id) {
        const entry = stepped.get(id);
        if (entry === undefined) throw new SignalboxError("internal-fault", `The plan has no head of ${id}.`);
        return entry.head;
      },
    };
  }

  function* createChildren(draft: Draft, { children, head }: Moved): Routine<void> {
    for (const child of children) yield* createChild(draft, child, head.row.at);
  }

  /** A child that cannot be created is a call that failed. */
  function* createChild(draft: Draft, child: Child, at: number): Routine<void> {
    const { asker, stepped } = draft;
    try {
      checkId(child.id);
      if (stepped.size >= limits.movesMax) throw tooMany(limits.movesMax);
      const machine = catalogue.machine(child.machine);
      const input = parseInput(machine, child.input);
      if (stepped.has(child.id) || (yield* waitFor(heads.find(child.id))) !== undefined)
        throw taken(child.id, "made by somebody else");
      const canonicalInput = canonicalJson(child.input);
      const creation = { machine, id: child.id, input, canonicalInput, labels: {}, parent: child.parent, at };
      const moved = createMove(creation, { ...asker, principal: "engine", stream: null }, performs);
      yield* createChildren(draft, take(draft, child.id, created(moved.head), moved));
      draft.answers.pop(); // nobody asked for the child by name
    } catch (error) {
      if (!(error instanceof SignalboxError) || isFaultOfStore(error)) throw error;
      draft.changes.push({ kind: "arm", row: failedChild(child, error, at, asker) });
    }
  }

  function* create(draft: Draft, { machine: name, id, input: rawInput, labels }: CreateMove): Routine<void> {
    checkId(id);
    const machine = catalogue.machine(name);
    const canonicalInput = canonicalJson(rawInput);
    checkSize(canonicalInput.length, "input", machine.inputCharactersMax);
    const hot = draft.stepped.has(id) ? undefined : yield* waitFor(heads.find(id));
    const existing = hot === undefined ? draft.stepped.get(id) : begin(draft, hot);
    if (existing !== undefined) {
      const { row } = existing.head;
      if (row.machine !== name) throw taken(id, `as an instance of ${row.machine}`);
      if (row.input !== canonicalInput) throw taken(id, "with another input");
      draft.answers.push({ id, outcome: "unchanged", version: row.version, via: [], effects: [] });
      return;
    }
    const input = parseInput(machine, rawInput);
    const creation = { machine, id, input, canonicalInput, labels: labels ?? {}, parent: null, at: clock.now() };
    const moved = createMove(creation, draft.asker, performs);
    yield* createChildren(draft, take(draft, id, created(moved.head), moved));
  }

  /** Undefined when the event is refused. */
  function send(draft: Draft, move: EventMove, entry: Stepped): Moved | undefined {
    const { head } = entry;
    if (move.expectedVersion !== undefined && move.expectedVersion !== head.row.version) {
      const detail = `${move.id} is at version ${head.row.version}, not ${move.expectedVersion}. Read it again and decide anew.`;
      throw new SignalboxError("version-mismatch", detail, { extra: { version: head.row.version } });
    }
    const { asker } = draft;
    const moved = eventMove(head, stampedEvent(head, move, asker.principal), asker, performs);
    checkSize(moved.journal.event?.length ?? 0, "event");
    if (moved.outcome !== "refused") return take(draft, move.id, entry, moved);
    const isJudgedLater = head.row.version !== entry.base; // its own state of before is not what was asked
    const reasons = [...(moved.reasons ?? []), ...(isJudgedLater ? [afterEarlierMoves] : [])];
    refuse(draft, move.id, entry, { ...moved, reasons });
    return undefined;
  }

  function stampedEvent(head: Head, move: EventMove, principal: string): StampedEvent {
    const at = Math.max(clock.now(), head.row.at);
    if (move.isInner === true) return { ...move.event, at, principal };
    const { type, payload } = parseEvent(head.machine, move.event, move.sender);
    return { type, ...payload, at, principal };
  }

  function checkSize(length: number, what: string, most = limits.payloadBytesMax): void {
    if (length <= most) return;
    throw new SignalboxError(
      "payload-too-large",
      `The ${what} has ${length} characters as JSON; the limit is ${most}.`,
    );
  }

  return { plan };
}

type CreateMove = Extract<Move, { create: unknown }>["create"];
type EventMove = Extract<EngineMove, { id: string }>;

function begin({ stepped, settled }: Draft, hot: Hot): Stepped {
  const head = withoutSettled(hot.head, settled);
  const entry: Stepped = { hot, base: head.row.version, head, before: head, isWritten: false };
  stepped.set(head.row.id, entry);
  return entry;
}

function take(
  { asker, stepped, journal, changes, withdrawn, answers }: Draft,
  id: string,
  entry: Stepped,
  moved: Moved,
) {
  entry.head = moved.head;
  entry.isWritten ||= moved.outcome === "changed" || asker.stream !== null;
  stepped.set(id, entry);
  journal.push(moved.journal);
  changes.push(...moved.changes);
  withdrawn.push(...moved.withdrawn);
  answers.push(answerOf(id, moved));
  return moved;
}

/** What the transaction did before is as if it had not been; what is left of it is the refusal. */
function refuse(draft: Draft, id: string, entry: Stepped, moved: Moved): void {
  const { hot, base, before } = entry;
  const isWritten = draft.asker.stream !== null; // then it is the only move
  const isStepped = isWritten || hot === undefined;
  const head = isStepped ? moved.head : { ...before, row: { ...before.row, at: moved.head.row.at } };
  draft.stepped = new Map([[id, { hot, base, head, before, isWritten }]]);
  draft.journal = hot === undefined ? [] : [refusalOf(moved, before)]; // nobody can read the journal of what is not there
  draft.changes = [];
  draft.withdrawn = [];
  draft.answers = [{ ...answerOf(id, moved), version: base }];
}

function created(head: Head): Stepped {
  return { hot: undefined, base: 0, head, before: head, isWritten: true };
}

/** Children that create children without end. */
function tooMany(most: number): SignalboxError {
  return new SignalboxError("machine-fault", `One transaction moves at most ${most} instances, children included.`);
}

/** Told with a refusal that a replay of the journal cannot judge: what it was judged on was given up with it. */
export const afterEarlierMoves: Refusal = {
  code: "after-earlier-moves",
  detail: "It was judged after earlier moves of the same transaction on this instance, which are given up with it.",
};

/** The journal's entry of a refusal: at the version and in the state that the instance stays in. */
function refusalOf({ journal, reasons }: Moved, { row }: Head): NewJournalRow {
  return { ...journal, version: row.version, from: row.state, to: row.state, reasons: JSON.stringify(reasons) };
}

function isFaultOfStore(error: SignalboxError): boolean {
  return error.code === "store-unavailable" || error.code === "insufficient-storage";
}

function answerOf(id: string, { outcome, head, reasons, via, effects }: Moved): Answer {
  return { id, outcome, version: head.row.version, ...(reasons && { reasons }), via, effects };
}

function taken(id: string, how: string): SignalboxError {
  return new SignalboxError("already-exists", `${id} exists already, ${how}. Choose another id.`);
}

function failedChild({ id, parent }: Child, error: SignalboxError, at: number, { trace }: Asker): PendingRow {
  const event = {
    type: `xstate.error.actor.${parent.id}`,
    error: { code: error.code, message: error.detail, child: id },
    actorId: parent.id,
  };
  return {
    key: `${parent.key}.failed`,
    instance: parent.instance,
    version: 0,
    kind: "message",
    id: "message.failed",
    activity: null,
    payload: JSON.stringify(event),
    to: parent.instance,
    settles: parent.key,
    dueAt: at,
    createdAt: at,
    trace,
    attempts: 0,
    error: null,
    leaseOwner: null,
    leaseUntil: null,
    dead: false,
  };
}
