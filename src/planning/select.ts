import { canonicalJson } from "../core/canonical.ts";
import type { Host, Selector } from "./fleet.ts";

/** Says of a host whether the selector means it. Built once, it costs the same for a list of one and of many names. */
export function matcherOf(selector: Selector): (host: Host) => boolean {
  if (selector.not !== undefined) {
    const isMeant = matcherOf(selector.not);
    return (host) => !isMeant(host);
  }
  if (selector.and !== undefined) {
    const all = selector.and.map(matcherOf);
    return (host) => all.every((isMeant) => isMeant(host));
  }
  const some = anyOf(selector);
  return (host) => some.some((isMeant) => isMeant(host));
}

/** In the order in which the hosts are given. */
export function selectHosts(hosts: Iterable<Host>, selector: Selector): Host[] {
  const isMeant = matcherOf(selector);
  return [...hosts].filter(isMeant);
}

/**
 * The same text for selectors that say the same in another order: budgets of one key are one, over all rollouts. It is the
 * text that is compared, not the hosts that are meant.
 */
export function selectorKey(selector: Selector): string {
  return canonicalJson(inOrder(selector));
}

function anyOf(selector: Selector): ((host: Host) => boolean)[] {
  const { all, any, hosts, channel, tags, tagsAny } = selector;
  const names = hosts === undefined ? undefined : new Set(hosts);
  return [
    ...(all === true ? [() => true] : []),
    ...(any ?? []).map(matcherOf),
    ...(names === undefined ? [] : [(host: Host) => names.has(host.name)]),
    ...(channel === undefined ? [] : [(host: Host) => host.channel === channel]),
    ...(tags === undefined ? [] : [(host: Host) => tags.every((tag) => host.tags.includes(tag))]),
    ...(tagsAny === undefined ? [] : [(host: Host) => tagsAny.some((tag) => host.tags.includes(tag))]),
  ];
}

function inOrder(selector: Selector): Selector {
  const { any, and, not, hosts, tags, tagsAny } = selector;
  return {
    ...selector,
    ...(any && { any: sortedByKey(any) }),
    ...(and && { and: sortedByKey(and) }),
    ...(not && { not: inOrder(not) }),
    ...(hosts && { hosts: sortedOnce(hosts) }),
    ...(tags && { tags: sortedOnce(tags) }),
    ...(tagsAny && { tagsAny: sortedOnce(tagsAny) }),
  };
}

function sortedByKey(selectors: readonly Selector[]): Selector[] {
  return selectors.map(inOrder).toSorted((a, b) => compare(canonicalJson(a), canonicalJson(b)));
}

function sortedOnce(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
