import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import { traceparentIn } from "../core/traceparent.ts";
import { pendingStateOf, type CommitResult, type PendingRow, type PendingState, type Store } from "../store/store.ts";
import { canonicalJson } from "../core/canonical.ts";
import { checkAsker, commandKeyOf, recallCommand, type CommandKey, type CommandOptions } from "./commands.ts";
import type { Committer } from "./committer.ts";
import { childOf } from "./head.ts";
import type { Heads } from "./heads.ts";
import type { Limits } from "./limits.ts";
import { engineAsker, entryOf, type Performs } from "./move.ts";
import type { EngineMove } from "./plan.ts";
import { itemFrom, type PendingItem, type Reading } from "./reading.ts";
import type { Transactor } from "./transact.ts";

/** What somebody may do about a row of what is to happen. Throws `not-found` for one that was settled. */
export interface Intervention {
  /** Tries a row again now, as if it had never failed. */
  retryPending(key: string, options?: CommandOptions): Promise<PendingItem & Replayed>;
  /** Gives a row up: a call ends with an error, a timer or message goes without having been. */
  discardPending(key: string, options?: DiscardOptions): Promise<Replayed>;
}

export interface DiscardOptions extends CommandOptions {
  /** W3C traceparent of what it is part of; otherwise it is that of the row. */
  trace?: string;
}

/** `replayed`: the first answer to the same command, given again. */
export interface Replayed {
  replayed?: true;
}

export function createIntervention(given: {
  store: Store;
  clock: Clock;
  limits: Limits;
  reading: Pick<Reading, "head">;
  heads: Heads;
  transactor: Transactor;
  committer: Committer;
  performs: Performs;
  onCommitted(committed: { withdrawn: readonly string[]; arms: boolean }): void;
}): Intervention {
  const { store, clock, limits, reading, heads, transactor, committer, performs, onCommitted } = given;

  async function find(key: string): Promise<PendingRow | undefined> {
    const [row] = await store.pending({ key, now: clock.now(), limit: 1 });
    return row;
  }

  /** Remembers what is asked before it is done. Undefined when the command is remembered already. */
  async function order(row: PendingRow, command: CommandKey | undefined): Promise<Order | undefined> {
    const now = clock.now();
    const { key, dueAt, attempts, error, dead } = row;
    const asked: Order = { was: { dueAt, attempts, error, dead }, item: itemFrom(freed(row, now), now) };
    if (command === undefined) return asked;
    const element = { writes: [], expects: [], journal: [], fences: [{ key, settle: false }], changes: [] };
    const remembered = { ...command, at: now, answer: JSON.stringify(asked) };
    const result = await committer.commit({ ...element, command: remembered }, []);
    if (result === "settled") throw settled(key);
    return result === "committed" ? asked : undefined;
  }

  async function recallOrder(command: CommandKey | undefined): Promise<Order | undefined> {
    const answer = await recallCommand(store, command);
    return answer === undefined ? undefined : (JSON.parse(answer) as Order);
  }

  /** Does what is remembered, unless it was done: a server that ended in between has left it to whoever asks again. */
  async function carryOut({ was }: Order, key: string): Promise<void> {
    const now = clock.now();
    const row = await find(key);
    if (row !== undefined && isStuck(row, now) && isAsItWas(row, was)) {
      await store.reschedule([{ key, dueAt: freed(row, now).dueAt }]);
      heads.drop(row.instance);
    }
    onCommitted({ withdrawn: [], arms: true });
  }

  /** As it is when it is tried again: what is not stuck comes in its own time. */
  function freed(row: PendingRow, now: number): PendingRow {
    if (!isStuck(row, now)) return row;
    const isPerformed = row.kind !== "call" || performs(row.activity ?? "", JSON.parse(row.payload));
    return { ...row, dueAt: isPerformed ? now : null, attempts: 0, error: null, dead: false };
  }

  async function discardCall(row: PendingRow, options: DiscardOptions): Promise<Replayed> {
    const { key, instance, id } = row;
    const error = { code: "discarded", message: `discarded by ${options.principal ?? "local"}` };
    const event = { type: `xstate.error.actor.${id}`, error, actorId: id };
    const move: EngineMove = { id: instance, event, sender: "engine", isInner: true };
    const sents = await transactor.transactFenced([move], { ...options, fences: [{ key, settle: true }] });
    if (sents === undefined) throw settled(key);
    if (sents[0]?.replayed === true) return { replayed: true };
    onCommitted({ withdrawn: [key], arms: false });
    await cancelChild(row);
    return {};
  }

  /** Nobody waits for the child any more. */
  async function cancelChild(call: PendingRow): Promise<void> {
    const child = childOf(call);
    const found = child === undefined ? undefined : await heads.find(child);
    const type = found?.head.machine.cancelEvent;
    if (child === undefined || type === undefined) return;
    const { trace } = call;
    const asked = { principal: "engine", ...(trace !== null && { trace }) };
    await transactor.transact([{ id: child, event: { type }, sender: "engine" }], asked);
  }

  async function discardDelivery(
    row: PendingRow,
    options: DiscardOptions,
    command: CommandKey | undefined,
  ): Promise<Replayed> {
    for (let retries = 0; retries <= limits.staleRetriesMax; retries += 1) {
      const result = await commitDiscard(row, options, command);
      if (result === "settled") throw settled(row.key);
      if (result === "duplicate") return replayOf(await recallCommand(store, command), row.key);
      if (result === "committed") {
        onCommitted({ withdrawn: [], arms: false });
        return {};
      }
    }
    const detail = `${row.instance} was moved by somebody else ${limits.staleRetriesMax + 1} times in a row. Try again.`;
    throw new SignalboxError("store-unavailable", detail);
  }

  async function commitDiscard(
    { key, instance }: PendingRow,
    { principal = "local", trace }: DiscardOptions,
    command: CommandKey | undefined,
  ): Promise<CommitResult> {
    const { row } = await reading.head(instance);
    const at = Math.max(clock.now(), row.at);
    const entry = entryOf({
      kind: "event",
      row,
      at,
      event: { type: "signalbox.discarded", key, at, principal },
      from: row.state,
      via: [],
      outcome: "unchanged",
      asker: { ...engineAsker, principal, commandId: command?.id ?? null, trace: trace ?? null },
      effects: [],
      checkpoint: null,
    });
    const expects = [{ id: instance, version: row.version }]; // the entry says it
    const element = { writes: [], expects, journal: [entry], fences: [{ key, settle: true }], changes: [] };
    try {
      return await committer.commit(
        { ...element, ...(command && { command: { ...command, at: clock.now(), answer: "[]" } }) },
        [],
      );
    } finally {
      heads.drop(instance); // also when it is not known whether it was written
    }
  }

  return {
    async retryPending(key, options = {}) {
      checkAsker(options);
      const command = commandKeyOf(options, ["retryPending", key]);
      const row = await find(key);
      const first = await recallOrder(command);
      const made = first === undefined && row !== undefined ? await order(row, command) : undefined;
      const asked = made ?? first ?? (await recallOrder(command));
      if (asked === undefined) throw settled(key);
      await carryOut(asked, key);
      return { ...asked.item, ...(made === undefined && { replayed: true }) };
    },

    async discardPending(key, options = {}) {
      checkAsker(options);
      const request = ["discardPending", key];
      const command = commandKeyOf(options, request);
      const row = await find(key);
      if (row === undefined) return replayOf(await recallCommand(store, command), key);
      const { trace: asked, ...by } = { fingerprint: canonicalJson(request), ...options };
      const trace = traceparentIn(asked) ?? row.trace;
      const traced = { ...by, ...(trace !== null && { trace }) };
      return row.kind === "call" ? discardCall(row, traced) : discardDelivery(row, traced, command);
    },
  };
}

/** What is remembered of a retry. */
interface Order {
  /** What the row said when it was asked: once that is another, it was done. */
  was: Pick<PendingRow, "dueAt" | "attempts" | "error" | "dead">;
  /** The answer. */
  item: PendingItem;
}

function isAsItWas(row: PendingRow, was: Order["was"]): boolean {
  return row.dueAt === was.dueAt && row.attempts === was.attempts && row.error === was.error && row.dead === was.dead;
}

/** What a retry is for; anything else comes in its own time. */
const stuck: ReadonlySet<PendingState> = new Set(["dead", "retrying", "manual"]);

function isStuck(row: PendingRow, now: number): boolean {
  return stuck.has(pendingStateOf(row, now));
}

function replayOf(answer: string | undefined, key: string): Replayed {
  if (answer === undefined) throw settled(key);
  return { replayed: true };
}

function settled(key: string): SignalboxError {
  return new SignalboxError("not-found", `There is no pending row ${key}; it may have been settled.`);
}
