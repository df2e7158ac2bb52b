import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";
import type { Move } from "../core/outcome.ts";
import type { StampedEvent } from "../core/step.ts";
import type { Element, NewJournalRow, PendingChange, PendingRow } from "../store/store.ts";
import { canonicalJson } from "./canonical.ts";
import { parseEvent, parseInput, type Catalogue } from "./catalogue.ts";
import type { Head } from "./head.ts";
import type { Heads, Hot } from "./heads.ts";
import type { Limits } from "./limits.ts";
import { createMove, eventMove, type Asker, type Child, type Moved, type Performs } from "./move.ts";

/** A move with what only the engine may add to it. */
export type EngineMove = Move & {
  /** Sent by the engine or an operation of ours: events of the engine are let through. */
  sender?: "engine";
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
   * Throws faults of the request; nothing is changed then.
   */
  plan(moves: readonly EngineMove[], asker: Asker): Promise<Plan>;
}

interface Stepped {
  hot: Hot | undefined;
  /** The version that the plan began with; 0: it is created. */
  base: number;
  head: Head;
  isWritten: boolean;
}

export function createPlanner(given: {
  catalogue: Catalogue;
  heads: Heads;
  clock: Clock;
  limits: Limits;
  performs: Performs;
}): Planner {
  const { catalogue, heads, clock, limits, performs } = given;

  async function plan(moves: readonly EngineMove[], asker: Asker): Promise<Plan> {
    const stepped = new Map<string, Stepped>();
    const journal: NewJournalRow[] = [];
    const changes: PendingChange[] = [];
    const withdrawn: string[] = [];
    const answers: Answer[] = [];

    async function steppedOf(id: string): Promise<Stepped> {
      const known = stepped.get(id);
      if (known !== undefined) return known;
      const hot = await heads.get(id);
      const entry: Stepped = { hot, base: hot.head.row.version, head: hot.head, isWritten: false };
      stepped.set(id, entry);
      return entry;
    }

    async function take(id: string, entry: Stepped, moved: Moved): Promise<void> {
      entry.head = moved.head;
      entry.isWritten ||= moved.outcome === "changed" || asker.stream !== null;
      stepped.set(id, entry);
      journal.push(moved.journal);
      changes.push(...moved.changes);
      withdrawn.push(...moved.withdrawn);
      answers.push(answerOf(id, moved));
      for (const child of moved.children) await createChild(child, moved.head.row.at);
    }

    /** A child that cannot be created is a call that failed. */
    async function createChild(child: Child, at: number): Promise<void> {
      try {
        const machine = catalogue.machine(child.machine);
        const input = parseInput(machine, child.input);
        if (stepped.has(child.id) || (await heads.find(child.id)) !== undefined) throw taken(child.id);
        const creation = {
          machine,
          id: child.id,
          input,
          canonicalInput: canonicalJson(child.input),
          labels: {},
          parent: child.parent,
          at,
        };
        const moved = createMove(creation, { ...asker, principal: "engine", stream: null }, performs);
        await take(child.id, { hot: undefined, base: 0, head: moved.head, isWritten: true }, moved);
        answers.pop(); // nobody asked for the child by name
      } catch (error) {
        if (!(error instanceof SignalboxError)) throw error;
        changes.push({ kind: "arm", row: failedChild(child, error, at) });
      }
    }

    async function create({ machine: name, id, input: rawInput, labels }: CreateMove): Promise<void> {
      checkId(id);
      const machine = catalogue.machine(name);
      const canonicalInput = canonicalJson(rawInput);
      checkSize(canonicalInput.length, "input");
      const existing = stepped.get(id)?.head ?? (await heads.find(id))?.head;
      if (existing !== undefined) {
        if (existing.row.machine !== name || existing.row.input !== canonicalInput) throw taken(id);
        const entry = await steppedOf(id);
        answers.push({ id, outcome: "unchanged", version: entry.head.row.version, via: [], effects: [] });
        return;
      }
      const input = parseInput(machine, rawInput);
      const creation = { machine, id, input, canonicalInput, labels: labels ?? {}, parent: null, at: clock.now() };
      const moved = createMove(creation, asker, performs);
      await take(id, { hot: undefined, base: 0, head: moved.head, isWritten: true }, moved);
    }

    /** Whether the event was accepted. */
    async function send(move: EventMove): Promise<boolean> {
      const entry = await steppedOf(move.id);
      const { head } = entry;
      if (move.expectedVersion !== undefined && move.expectedVersion !== head.row.version) {
        const detail = `${move.id} is at version ${head.row.version}, not ${move.expectedVersion}. Read it again and decide anew.`;
        throw new SignalboxError("version-mismatch", detail, { extra: { version: head.row.version } });
      }
      const event = stampedEvent(head, move, asker.principal);
      const moved = eventMove(head, event, asker, performs);
      checkSize(moved.journal.event?.length ?? 0, "event");
      if (moved.outcome !== "refused") {
        await take(move.id, entry, moved);
        return true;
      }
      const { hot, base } = entry; // what the refused transaction did before is as if it had not been
      const isWritten = asker.stream !== null;
      stepped.clear();
      stepped.set(move.id, { hot, base, head: isWritten ? moved.head : (hot?.head ?? moved.head), isWritten });
      journal.splice(0, journal.length, moved.journal);
      changes.length = 0;
      withdrawn.length = 0;
      answers.splice(0, answers.length, answerOf(move.id, moved));
      return false;
    }

    function stampedEvent(head: Head, move: EventMove, principal: string): StampedEvent {
      const at = Math.max(clock.now(), head.row.at);
      if (move.isInner === true) return { ...move.event, at, principal };
      const { type, payload } = parseEvent(head.machine, move.event, move.sender);
      return { type, ...payload, at, principal };
    }

    for (const move of moves) {
      if ("create" in move) await create(move.create);
      else if (!(await send(move))) break;
    }

    const entries = [...stepped.entries()];
    return {
      answers,
      withdrawn,
      element: {
        writes: entries.flatMap(([, { head, base, isWritten }]) =>
          isWritten ? [{ row: head.row, expected: base }] : [],
        ),
        expects: entries.flatMap(([id, { base, isWritten }]) => (isWritten ? [] : [{ id, version: base }])),
        journal,
        changes,
      },
      install: () =>
        entries.flatMap(([, { hot, head, isWritten }]) => {
          if (hot === undefined) return isWritten ? [heads.put(head)] : [];
          if (isWritten) hot.head = head;
          return [hot];
        }),
      headOf(id) {
        const entry = stepped.get(id);
        if (entry === undefined) throw new SignalboxError("internal-fault", `The plan has no head of ${id}.`);
        return entry.head;
      },
    };
  }

  function checkSize(length: number, what: string): void {
    if (length <= limits.payloadBytesMax) return;
    throw new SignalboxError(
      "payload-too-large",
      `The ${what} has ${length} characters as JSON; the limit is ${limits.payloadBytesMax}.`,
    );
  }

  return { plan };
}

type CreateMove = Extract<Move, { create: unknown }>["create"];
type EventMove = Extract<EngineMove, { id: string }>;

function answerOf(id: string, { outcome, head, reasons, via, effects }: Moved): Answer {
  return { id, outcome, version: head.row.version, ...(reasons && { reasons }), via, effects };
}

function taken(id: string): SignalboxError {
  return new SignalboxError("already-exists", `${id} exists already, with another input. Choose another id.`);
}

const idLengthMax = 500; // a key of the database's indexes

function checkId(id: string): void {
  const isText = typeof id === "string" && id.length > 0 && id.length <= idLengthMax;
  // oxlint-disable-next-line no-control-regex -- exactly these are refused
  if (isText && !/[\u0000-\u001f\u007f]/.test(id) && id.isWellFormed()) return;
  const detail = `An id is text of 1 to ${idLengthMax} characters without control characters.`;
  throw new SignalboxError("invalid-request", detail, { errors: [{ pointer: "/id", detail }] });
}

function failedChild({ id, parent }: Child, error: SignalboxError, at: number): PendingRow {
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
    attempts: 0,
    error: null,
    leaseOwner: null,
    leaseUntil: null,
    dead: false,
  };
}
