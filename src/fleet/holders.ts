import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** A host whose name a second agent has. */
export interface ContestedHost {
  readonly host: string;
  /** Epoch ms: since when that one is refused. */
  readonly since: number;
  readonly why: string;
}

/** Which agent speaks for each host. Of two that have the name of one, the second one is refused. */
export interface Holders {
  /**
   * `agent` is `{directory}.{start}`. Another start of the same directory takes the place at once; another directory does when
   * the first was not heard for a while. Throws `host-taken`.
   */
  admit(host: string, agent: string): void;
  /** Those for which somebody was refused not long ago. */
  contested(): ContestedHost[];
}

const formerMax = 120; // starts that are known to have been followed by another: two minutes of an agent that ends at once, each second

export function createHolders(given: {
  /** Somebody who speaks for the host was heard not long ago. */
  isHeard(host: string): boolean;
  clock: Clock;
  log: Log;
  /** How long that is. */
  absentAfterMs: number;
}): Holders {
  const { isHeard, clock, log, absentAfterMs } = given;
  const holders = new Map<string, Holder>();
  const refused = new Map<string, ContestedHost & { at: number }>();
  let sweepAt = 0;

  /** What is kept is bounded by who is there. */
  function sweep(): void {
    const now = clock.now();
    for (const [host, { at }] of refused) if (at + absentAfterMs <= now) refused.delete(host);
    if (now < sweepAt) return;
    sweepAt = now + absentAfterMs;
    for (const host of holders.keys()) if (!isHeard(host)) holders.delete(host);
  }

  function refuse(host: string, why: string): never {
    const since = refused.get(host)?.since ?? clock.now();
    if (!refused.has(host)) log.warn({ host, why }, "two agents have the name of one host: one of them is refused");
    refused.set(host, { host, since, why, at: clock.now() });
    throw new SignalboxError(
      "host-taken",
      `${why} Once that was not heard for ${absentAfterMs / 1_000} s, this one is taken.`,
    );
  }

  return {
    admit(host, agent) {
      sweep();
      const holder = isHeard(host) ? holders.get(host) : undefined;
      if (holder?.agent === agent) return;
      if (holder !== undefined && directoryOf(holder.agent) !== directoryOf(agent)) refuse(host, strangerText(host));
      if (holder?.former.includes(agent) === true) refuse(host, copyText(host));
      const former = holder === undefined ? none : [...holder.former, holder.agent].slice(-formerMax);
      holders.set(host, { agent, former });
    },
    contested() {
      sweep();
      return [...refused.values()].map(({ host, since, why }) => ({ host, since, why }));
    },
  };
}

interface Holder {
  readonly agent: string;
  /** Starts that it has followed: one of them that asks again runs beside it. */
  readonly former: readonly string[];
}

const none: readonly string[] = [];

function directoryOf(agent: string): string {
  return agent.slice(0, agent.indexOf("."));
}

function strangerText(host: string): string {
  return `Another agent speaks for ${host}. If this is another machine, give it a name and a token of its own; if it replaces that one, stop that one.`;
}

function copyText(host: string): string {
  return `Another agent speaks for ${host}, with a copy of this one's directory. Give the copy a name, a token and an empty directory of its own.`;
}
