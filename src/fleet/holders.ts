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

/**
 * Which agent speaks for each host. An agent is `{directory}.{start}`, where a start begins with its count. Of one directory the
 * higher count speaks for the host at once; another directory does when the first was not heard for a while.
 */
export interface Holders {
  /** Throws `host-taken` when another agent speaks for the host. Whoever is admitted has not taken the place by that. */
  admit(host: string, agent: string): void;
  /** It speaks for the host from now on, unless another one has come to since it was admitted. */
  heard(host: string, agent: string): void;
  /** Those for which somebody was refused not long ago. */
  contested(): ContestedHost[];
}

export function createHolders(given: {
  /** Somebody who speaks for the host was heard not long ago. */
  isHeard(host: string): boolean;
  /** For what is shown. */
  clock: Pick<Clock, "now">;
  /** For what is measured. */
  steady: Pick<Clock, "now">;
  log: Log;
  /** How long that is. */
  absentAfterMs: number;
}): Holders {
  const { isHeard, clock, steady, log, absentAfterMs } = given;
  const holders = new Map<string, Holder>();
  const refused = new Map<string, ContestedHost & { at: number }>();
  let sweepAt = 0;

  /** What is kept is bounded by who is there. */
  function sweep(): void {
    const now = steady.now();
    for (const [host, { at }] of refused) if (at + absentAfterMs <= now) refused.delete(host);
    if (now < sweepAt) return;
    sweepAt = now + absentAfterMs;
    for (const host of holders.keys()) if (!isHeard(host)) holders.delete(host);
  }

  const holderOf = (host: string) => (isHeard(host) ? holders.get(host) : undefined);

  function tellOfTwo(host: string, why: string): void {
    const since = refused.get(host)?.since ?? clock.now();
    if (!refused.has(host)) log.warn({ host, why }, "two agents have the name of one host: one of them is refused");
    refused.set(host, { host, since, why, at: steady.now() });
  }

  return {
    admit(host, agent) {
      sweep();
      const holder = holderOf(host);
      if (holder === undefined || mayFollow(agent, holder.agent)) return;
      const why = isOfOneDirectory(agent, holder.agent) ? copyText(host) : strangerText(host);
      if (isEarlier(agent, holder.agent) && holder.overtaken !== agent) holder.overtaken = agent;
      else tellOfTwo(host, why);
      throw new SignalboxError(
        "host-taken",
        `${why} Once that was not heard for ${absentAfterMs / 1_000} s, this one is taken.`,
      );
    },
    heard(host, agent) {
      const holder = holderOf(host);
      if (holder?.agent === agent) return;
      if (holder === undefined || mayFollow(agent, holder.agent)) holders.set(host, { agent });
    },
    contested() {
      sweep();
      return [...refused.values()].map(({ host, since, why }) => ({ host, since, why }));
    },
  };
}

interface Holder {
  readonly agent: string;
  /** The earlier start that was refused last: once, that is a request that comes late; one that asks again runs beside it. */
  overtaken?: string;
}

function mayFollow(agent: string, holder: string): boolean {
  return agent === holder || (isOfOneDirectory(agent, holder) && countOf(agent) > countOf(holder));
}

/** Of two with one count neither is: their directories were copied from one. */
function isEarlier(agent: string, holder: string): boolean {
  return isOfOneDirectory(agent, holder) && countOf(agent) < countOf(holder);
}

function isOfOneDirectory(one: string, other: string): boolean {
  return directoryOf(one) === directoryOf(other);
}

function directoryOf(agent: string): string {
  return agent.slice(0, agent.indexOf("."));
}

function countOf(agent: string): number {
  return Number.parseInt(agent.slice(agent.indexOf(".") + 1), 10); // up to its letters
}

function strangerText(host: string): string {
  return `Another agent speaks for ${host}. If this is another machine, give it a name and a token of its own; if it replaces that one, stop that one.`;
}

function copyText(host: string): string {
  return `Another agent speaks for ${host}, with a copy of this one's directory. Give the copy a name, a token and an empty directory of its own.`;
}
