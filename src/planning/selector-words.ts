import type { Selector } from "./fleet.ts";

const namedMax = 5; // it may list thousands of hosts
const wordsMax = 120;

/** Which hosts a selector means, as it follows "hosts": "with the tag web", "of channel stable". */
export function selectorWords(selector: Selector): string {
  const words = wordsOf(selector);
  return words.length > wordsMax ? `${words.slice(0, wordsMax - 1)}…` : words;
}

function wordsOf({ not, and, all, any, hosts, channel, tags, tagsAny }: Selector): string {
  if (not !== undefined) return `other than those ${inside(not)}`;
  if (and !== undefined) return and.map(inside).join(" and ");
  return [
    ...(all === true ? ["of the fleet"] : []),
    ...(any ?? []).map(inside),
    ...(hosts === undefined ? [] : [`named ${listed(hosts, "or")}`]),
    ...(channel === undefined ? [] : [`of channel ${channel}`]),
    ...(tags === undefined ? [] : [`with the ${tags.length === 1 ? "tag" : "tags"} ${listed(tags, "and")}`]),
    ...(tagsAny === undefined ? [] : [`with the tag ${listed(tagsAny, "or")}`]),
  ].join(" or ");
}

/** Where its own "and" or "or" would run into that around it, it stands in brackets. */
function inside(selector: Selector): string {
  const parts = selector.and?.length ?? Object.keys(selector).length + (selector.any?.length ?? 1) - 1;
  return parts > 1 ? `(${wordsOf(selector)})` : wordsOf(selector);
}

function listed(names: readonly string[], word: "and" | "or"): string {
  const left = names.length - namedMax;
  const shown = left > 0 ? [...names.slice(0, namedMax), `${left} more`] : names;
  return [shown.slice(0, -1).join(", "), ...shown.slice(-1)].filter((part) => part !== "").join(` ${word} `);
}
