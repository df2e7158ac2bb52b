import type { Clock } from "../core/clock.ts";
import { isSignalboxError, messageOf, SignalboxError, type ErrorCode } from "../core/errors.ts";
import type { Instance, Sent } from "../core/outcome.ts";
import { traceparentIn } from "../core/traceparent.ts";
import { wroteNothing, type CommitResult, type Element, type Store } from "../store/store.ts";
import { canonicalJson } from "../core/canonical.ts";
import { checkId } from "./check-id.ts";
import { checkAsker, commandKeyOf, recallCommand, type CommandKey, type CommandOptions } from "./commands.ts";
import type { Committer } from "./committer.ts";
import type { Heads } from "./heads.ts";
import type { Limits } from "./limits.ts";
import type { Asker } from "./move.ts";
import { failedSend, type Observers, type SendBegun, type SendEnd, type Watch } from "./observer.ts";
import type { Answer, EngineMove, Plan, Planner } from "./plan.ts";
import type { RefusalRate } from "./refusal-rate.ts";
import { run, waitFor, type Routine } from "./routine.ts";
import type { Space } from "./space.ts";
import type { Turns } from "./turns.ts";
import { viewOf } from "./view.ts";

export interface TransactOptions extends CommandOptions {
  /** The number of the event in a numbered stream of one sender. Only with one event. */
  stream?: { name: string; seq: number };
  /** W3C traceparent of what it is part of: kept in the journal, passed on to what it arms. A malformed one is ignored. */
  trace?: string;
}

/** What only the runner may ask for. */
export interface Fenced extends TransactOptions {
  fences?: Element["fences"];
}

/** The way for instances to move. */
export interface Transactor {
  /** All moves or none; when one is refused, the answer to it alone. */
  transact(moves: readonly EngineMove[], options?: TransactOptions): Promise<Sent[]>;
  /** The same, if the fences hold; undefined when a pending row of them is gone. */
  transactFenced(moves: readonly EngineMove[], options: Fenced): Promise<Sent[] | undefined>;
  /** The first answer to a command that says by its fingerprint what it stands for; undefined when it was never given. */
  recall(options: CommandOptions): Promise<Sent[] | undefined>;
}

export function createTransactor(given: {
  store: Store;
  space: Pick<Space, "check" | "isLost">;
  clock: Clock;
  limits: Limits;
  heads: Heads;
  turns: Turns;
  planner: Planner;
  committer: Committer;
  refusalRate: RefusalRate;
  /** An instance as it is committed. */
  read(id: string): Promise<Instance>;
  onCommitted(committed: { withdrawn: readonly string[]; arms: boolean }): void;
  observers: Observers;
}): Transactor {
  const { store, space, clock, limits, heads, turns, planner, committer, refusalRate, read, onCommitted, observers } =
    given;
  const commandsInFlight = new Map<string, Promise<unknown>>();

  function transaction(moves: readonly EngineMove[], options: Fenced): Promise<Sent[] | undefined> {
    try {
      checkMoves(moves, options);
      const watch = observers.isEmpty() ? undefined : observers.sending(begunOf(moves, options));
      return watch === undefined ? answer(moves, options) : watched(moves, options, watch);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async function watched(
    moves: readonly EngineMove[],
    options: Fenced,
    watch: Watch<SendEnd>,
  ): Promise<Sent[] | undefined> {
    try {
      const sents = await answer(moves, watch.trace === undefined ? options : { ...options, trace: watch.trace });
      watch.ended(endOf(sents));
      return sents;
    } catch (error) {
      watch.ended(failedSend(error));
      throw error;
    }
  }

  function answer(moves: readonly EngineMove[], options: Fenced): Promise<Sent[] | undefined> {
    const command = commandKeyOf(options, [moves, options.stream]);
    return command === undefined ? attempt(moves, options, undefined) : attemptOnce(moves, options, command);
  }

  /** Of commands with one key the next waits for the one before. */
  async function attemptOnce(
    moves: readonly EngineMove[],
    options: Fenced,
    command: CommandKey,
  ): Promise<Sent[] | undefined> {
    const key = canonicalJson([command.principal, command.id]);
    for (let earlier; (earlier = commandsInFlight.get(key)) !== undefined; ) await earlier;
    const attempted = attempt(moves, options, command);
    commandsInFlight.set(
      key,
      attempted.catch(() => undefined),
    );
    try {
      return await attempted;
    } finally {
      commandsInFlight.delete(key);
    }
  }

  /** Steps at once, where nothing has to be waited for: who comes first is first. */
  async function attempt(
    moves: readonly EngineMove[],
    options: Fenced,
    command: CommandKey | undefined,
  ): Promise<Sent[] | undefined> {
    for (let retries = 0; retries <= limits.staleRetriesMax; retries += 1) {
      const stepping = run(stepInTurn(moves, options, command));
      const stepped = stepping instanceof Promise ? await stepping : stepping;
      if ("replayed" in stepped) return stepped.replayed;
      const { result, plan } = stepped;
      let outcome: CommitResult;
      try {
        outcome = await result;
      } catch (error) {
        return afterFault(error, command);
      }
      if (outcome === "settled") return undefined;
      if (outcome === "duplicate") return recall(command);
      if (outcome === "stale") continue;
      onCommitted({ withdrawn: plan.withdrawn, arms: plan.element.changes.some(({ kind }) => kind === "arm") });
      return plan.answers.map((each) => sentOf(each, plan));
    }
    const detail = `The instance was moved by somebody else ${limits.staleRetriesMax + 1} times in a row. Try again.`;
    throw new SignalboxError("store-unavailable", detail);
  }

  interface SteppedPlan {
    result: Promise<CommitResult>;
    plan: Plan;
  }

  /** Loads and steps in order of arrival; the commit is under way when it returns. */
  function* stepInTurn(
    moves: readonly EngineMove[],
    options: Fenced,
    command: CommandKey | undefined,
  ): Routine<SteppedPlan | { replayed: Sent[] | undefined }> {
    const turn = turns.take(idsOf(moves));
    try {
      if (turn.ready !== undefined) yield* waitFor(turn.ready);
      if (command !== undefined || options.stream !== undefined) {
        const replayed = (yield* waitFor(recall(command))) ?? (yield* waitFor(recallStream(moves, options)));
        if (replayed !== undefined) return { replayed };
      }
      if (space.isLost()) yield* waitFor(space.check());
      if (committer.isFull()) {
        throw new SignalboxError(
          "too-many-requests",
          `${limits.commitQueueMax} commits are waiting already. Try again later.`,
        );
      }
      const asker = askerOf(options);
      const isOutside = moves.some((move) => !("create" in move) && move.sender !== "engine");
      if (isOutside) refusalRate.check(asker.principal);
      const plan = yield* planned(moves, asker, options);
      if (isOutside && plan.answers[0]?.outcome === "refused") refusalRate.count(asker.principal);
      return enqueue(plan, options, command);
    } finally {
      turn.done();
    }
  }

  /** A fault that was found on a head whose commit is under way is told when it is still one afterwards. */
  function* planned(moves: readonly EngineMove[], asker: Asker, { fences = [] }: Fenced): Routine<Plan> {
    const settled = fences.length === 0 ? nothing : new Set(fences.flatMap(({ key, settle }) => (settle ? [key] : [])));
    try {
      return yield* planner.plan(moves, asker, settled);
    } catch (error) {
      if (committer.isIdle() || isOfRequest(error)) throw error;
      yield* waitFor(committer.settled());
      return yield* planner.plan(moves, asker, settled);
    }
  }

  function enqueue(plan: Plan, options: Fenced, command: CommandKey | undefined): SteppedPlan {
    const { element, answers } = plan;
    const fences = options.fences ?? [];
    const hots = plan.install();
    const row = command && {
      ...command,
      at: clock.now(),
      answer: JSON.stringify(answers.map(remembered)),
    };
    const result = committer.commit({ ...element, fences, ...(row && { command: row }) }, hots);
    return { result, plan };
  }

  /** The answer, where it was recorded all the same. */
  async function afterFault(error: unknown, command: CommandKey | undefined): Promise<Sent[] | undefined> {
    if (isSignalboxError(error) && wroteNothing.has(error.code)) throw error;
    onCommitted({ withdrawn: [], arms: true }); // it may have been: the runner and the feeds look for themselves
    if (command !== undefined && (await isRecorded(command))) return recall(command);
    const advice =
      command === undefined ? "Read the instance before you send it again." : "Send it again with the same key.";
    const detail = `The store failed while it was written to, and the outcome is not known. ${advice} (${messageOf(error)})`;
    throw new SignalboxError("store-unavailable", detail, { cause: error });
  }

  async function isRecorded({ principal, id }: CommandKey): Promise<boolean> {
    try {
      return (await store.command(principal, id)) !== undefined;
    } catch {
      return false; // not known: the caller asks again with the same key
    }
  }

  function sentOf({ id, outcome, version, reasons }: Answer, plan: Plan): Sent {
    return { outcome, version, ...(reasons && { reasons }), instance: viewOf(plan.headOf(id), clock.now()) };
  }

  /** The first answer to a command; undefined when it was never given. */
  async function recall(command: CommandKey | undefined): Promise<Sent[] | undefined> {
    const answer = await recallCommand(store, command);
    return answer === undefined ? undefined : replay(JSON.parse(answer) as Remembered[]);
  }

  /** The first answer to an event of a numbered stream; undefined for the next number. Throws `sequence-gap`. */
  async function recallStream(moves: readonly EngineMove[], { stream }: Fenced): Promise<Sent[] | undefined> {
    const [move] = moves;
    if (stream === undefined || move === undefined || "create" in move) return undefined;
    const lastOf = async () => (await heads.get(move.id)).head.row.streams[stream.name] ?? 0;
    if (stream.seq === (await lastOf()) + 1) return undefined;
    await committer.settled(); // the one before, or its first answer, may still be on its way to the disk, or not arrive
    const last = await lastOf();
    if (stream.seq === last + 1) return undefined;
    if (stream.seq > last) {
      const detail = `The stream ${stream.name} of ${move.id} is at ${last}; send number ${last + 1} next.`;
      throw new SignalboxError("sequence-gap", detail, { extra: { expected: last + 1 } });
    }
    const [entry] = await store.journal({ instance: move.id, stream, limit: 1 });
    const { head } = await heads.get(move.id);
    const reasons = entry?.reasons == null ? undefined : (JSON.parse(entry.reasons) as Answer["reasons"]);
    const { outcome, version } = entry ?? { outcome: "unchanged" as const, version: head.row.version }; // cut off by retention
    return replay([{ id: move.id, outcome, version, ...(reasons && { reasons }) }]);
  }

  async function replay(answers: readonly Remembered[]): Promise<Sent[]> {
    const sents: Sent[] = [];
    for (const { id, outcome, version, reasons } of answers) {
      sents.push({ outcome, version, ...(reasons && { reasons }), replayed: true, instance: await read(id) });
    }
    return sents;
  }

  function checkMoves(moves: readonly EngineMove[], options: Fenced): void {
    const { stream } = options;
    if (moves.length === 0 || moves.length > limits.movesMax) {
      throw new SignalboxError(
        "invalid-request",
        `A transaction has 1 to ${limits.movesMax} moves, not ${moves.length}.`,
      );
    }
    checkAsker(options);
    for (const move of moves) if (!("create" in move)) checkId(move.id);
    if (stream === undefined) return;
    checkId(stream.name, "stream/name");
    const isOneEvent = moves.length === 1 && moves.every((move) => !("create" in move));
    if (!isOneEvent || !Number.isSafeInteger(stream.seq) || stream.seq < 1) {
      throw new SignalboxError(
        "invalid-request",
        "A numbered stream carries one event at a time, numbered 1, 2, 3 and so on.",
      );
    }
  }

  return {
    transact: (moves, options = {}) => transaction(moves, options) as Promise<Sent[]>, // without fences nothing is settled
    transactFenced: transaction,
    recall: (options) => recall(commandKeyOf(options, [])),
  };
}

const nothing: ReadonlySet<string> = new Set();

function idsOf(moves: readonly EngineMove[]): readonly string[] {
  const ids = moves.map((move) => ("create" in move ? move.create.id : move.id));
  return ids.length === 1 ? ids : [...new Set(ids)];
}

/** A fault of the request alone, whatever the instance is like. */
function isOfRequest(error: unknown): boolean {
  return isSignalboxError(error) && requestFaults.has(error.code);
}

const requestFaults: ReadonlySet<ErrorCode> = new Set(["invalid-request", "internal-event", "payload-too-large"]);

function remembered({ id, outcome, version, reasons }: Answer): Remembered {
  return { id, outcome, version, ...(reasons && { reasons }) };
}

type Remembered = Pick<Answer, "id" | "outcome" | "version" | "reasons">;

function askerOf({ principal, commandId, trace, stream }: Fenced): Asker {
  return {
    principal: principal ?? "local",
    commandId: commandId ?? null,
    trace: traceparentIn(trace) ?? null,
    stream: stream ?? null,
  };
}

function begunOf(moves: readonly EngineMove[], { principal = "local", trace }: Fenced): SendBegun {
  const [first] = moves as readonly [EngineMove]; // checked
  const about =
    "create" in first ? { instance: first.create.id, event: null } : { instance: first.id, event: typeOf(first.event) };
  return { principal, ...about, moves: moves.length, trace: traceparentIn(trace) ?? null };
}

/** Before the event is checked. */
function typeOf(event: unknown): string {
  const { type } = Object(event) as { type?: unknown };
  return typeof type === "string" ? type : "";
}

function endOf(sents: readonly Sent[] | undefined): SendEnd {
  const outcomes = sents?.map(({ outcome, replayed }) => (replayed === true ? "replayed" : outcome));
  if (outcomes === undefined) return { outcome: "settled" };
  return { outcome: outcomes.find((outcome) => outcome !== "unchanged") ?? "unchanged" };
}
