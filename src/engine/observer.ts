import { isSignalboxError, messageOf, type ErrorCode } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { NewJournalRow, PendingKind } from "../store/store.ts";

/**
 * Is told what the engine does, in the midst of it: it takes a note and returns at once. What it throws is logged once and
 * is no matter of the engine. A beginning is answered with a watch, which is told the end: whoever wants durations measures them.
 */
export interface Observer {
  sending?(send: SendBegun): Watch<SendEnd> | undefined;
  /** The store is given a batch of transactions. */
  committing?(commit: { elements: number }): Watch<{ outcome: "committed" | "failed" }> | undefined;
  /** What a batch has written into the journal. */
  committed?(entries: readonly NewJournalRow[]): void;
  /** One attempt of a call begins. */
  performing?(call: CallBegun): Watch<CallEnd> | undefined;
  /** A row has become a dead letter. */
  deadLettered?(row: { kind: PendingKind }): void;
}

/** Sees a piece of work to its end. */
export interface Watch<End> {
  /** W3C traceparent for what follows from the work, in place of the one that it came with. */
  readonly trace?: string | undefined;
  ended(end: End): void;
}

export interface SendBegun {
  principal: string;
  /** Of the first move. */
  instance: string;
  /** Of the first move; null for a creation. */
  event: string | null;
  moves: number;
  trace: string | null;
}

export interface SendEnd {
  /** `settled`: what it was to settle was gone. */
  outcome: "changed" | "unchanged" | "refused" | "replayed" | "settled" | "failed";
  /** Of one that failed. */
  code?: ErrorCode;
}

export interface CallBegun {
  key: string;
  instance: string;
  machine: string;
  activity: string;
  /** 1 for the first. */
  attempt: number;
  trace: string | null;
}

export interface CallEnd {
  /** `failed`: the machine is told; `retried`: it is not, yet; `withdrawn`: nobody waits any more; `stopped`: the runner stops. */
  outcome: "ended" | "failed" | "retried" | "withdrawn" | "stopped";
  /** Why it failed. */
  error?: string;
}

/** All observers of an engine as one that never throws. */
export interface Observers extends Required<Observer> {
  /** Tells this one too from now on, until the answer is called. */
  observe(observer: Observer): () => void;
  /** Nobody is told anything. */
  isEmpty(): boolean;
}

export function createObservers(log: Log): Observers {
  let observers: readonly Observer[] = [];
  const faulty = new WeakSet<Observer>();

  function safely<Told>(observer: Observer, tell: () => Told): Told | undefined {
    try {
      return tell();
    } catch (error) {
      if (!faulty.has(observer)) log.error({ error: messageOf(error) }, "an observer of the engine fails");
      faulty.add(observer);
      return undefined;
    }
  }

  function begun<End>(begin: (observer: Observer) => Watch<End> | undefined): Watch<End> | undefined {
    const watches = observers.flatMap((observer) => {
      const watch = safely(observer, () => begin(observer));
      return watch === undefined ? [] : [{ observer, watch }];
    });
    if (watches.length === 0) return undefined;
    return {
      trace: watches.find(({ watch }) => watch.trace !== undefined)?.watch.trace,
      ended(end) {
        for (const { observer, watch } of watches) safely(observer, () => watch.ended(end));
      },
    };
  }

  function tell(what: (observer: Observer) => void): void {
    for (const observer of observers) safely(observer, () => what(observer));
  }

  return {
    observe(observer) {
      observers = [...observers, observer];
      return () => {
        observers = observers.filter((each) => each !== observer);
      };
    },
    isEmpty: () => observers.length === 0,
    sending: (send) => begun((observer) => observer.sending?.(send)),
    committing: (commit) => begun((observer) => observer.committing?.(commit)),
    performing: (call) => begun((observer) => observer.performing?.(call)),
    committed: (entries) => tell((observer) => observer.committed?.(entries)),
    deadLettered: (row) => tell((observer) => observer.deadLettered?.(row)),
  };
}

/** How a send ended that threw. */
export function failedSend(error: unknown): SendEnd {
  return { outcome: "failed", code: isSignalboxError(error) ? error.code : "internal-fault" };
}
