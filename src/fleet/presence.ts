import type { Clock } from "../core/clock.ts";

/**
 * Which agents are there: those that have asked within the last while. What is told of a host is told as it changes. The clock is
 * a steady one; while this machine is suspended such a clock may stand still, and then nobody is missed for that time.
 */
export interface Presence {
  /** The agent of a host asks. */
  seen(host: string): void;
  /** From now on the host is missed when its agent does not ask. */
  watch(host: string): void;
  unwatch(host: string): void;
  /** Nobody has heard of it for too long. */
  isAbsent(host: string): boolean;
  /** It has asked, not long ago. */
  hasAsked(host: string): boolean;
  start(): void;
  stop(): Promise<void>;
}

/**
 * An agent that has never asked is given the same time, counted from `start`: a control plane that begins knows nobody.
 * One look costs as much as there are hosts that have become absent.
 */
export function createPresence(given: { clock: Clock; absentAfterMs: number; onAbsent(host: string): void }): Presence {
  const { clock, absentAfterMs, onAbsent } = given;
  const watched = new Set<string>();
  const lastAsked = new Map<string, number>(); // of hosts that are there; who asked last is last
  const neverAsked = new Set<string>(); // watched, and to be absent when the first while is over
  let startedAt = 0;
  let stopping = new AbortController();
  let wake = new AbortController();
  let loop: Promise<void> | undefined;

  const isStarting = () => clock.now() < startedAt + absentAfterMs;

  function isAbsent(host: string): boolean {
    return !lastAsked.has(host) && !(neverAsked.has(host) || isStarting());
  }

  function dueAt(): number {
    const first = lastAsked.values().next().value;
    const ofFirst = first === undefined ? Number.POSITIVE_INFINITY : first + absentAfterMs;
    return neverAsked.size === 0 ? ofFirst : Math.min(ofFirst, startedAt + absentAfterMs);
  }

  /** Lets go of everybody whose time is over, in the order in which they were heard last. */
  function takeAbsent(): string[] {
    const absent: string[] = [];
    if (!isStarting()) {
      absent.push(...neverAsked);
      neverAsked.clear();
    }
    for (const [host, at] of lastAsked) {
      if (at + absentAfterMs > clock.now()) break;
      lastAsked.delete(host);
      absent.push(host);
    }
    return absent.filter((host) => watched.has(host));
  }

  async function run({ signal }: AbortController): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController();
      await clock.wakeAt(dueAt(), AbortSignal.any([signal, wake.signal]));
      if (signal.aborted) return;
      for (const host of takeAbsent()) onAbsent(host);
    }
  }

  /** Somebody is to be missed earlier than anybody before. */
  function reconsider(before: number): void {
    if (dueAt() < before) wake.abort("reconsidered");
  }

  return {
    isAbsent,
    hasAsked: (host) => lastAsked.has(host),
    seen(host) {
      const wasNobodyThere = lastAsked.size === 0;
      neverAsked.delete(host);
      lastAsked.delete(host);
      lastAsked.set(host, clock.now());
      if (wasNobodyThere) wake.abort("reconsidered"); // otherwise nobody is to be missed earlier than before
    },
    watch(host) {
      if (watched.has(host)) return;
      const before = dueAt();
      watched.add(host);
      if (lastAsked.has(host)) return;
      if (!isStarting()) return onAbsent(host);
      neverAsked.add(host);
      reconsider(before);
    },
    unwatch(host) {
      watched.delete(host);
      neverAsked.delete(host);
    },
    start() {
      startedAt = clock.now();
      stopping = new AbortController();
      loop = run(stopping);
    },
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
