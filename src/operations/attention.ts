import type { AnyStateNode } from "xstate";
import { leadingRegion, metaOf, sendersOf, stateNodesOf, type Machine } from "../core/machine.ts";
import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import type { JournalEntry } from "../engine/reading.ts";
import { attention, type AttentionView } from "./answer-schemas.ts";
import { operation } from "./operation.ts";
import { timeText } from "./wire.ts";
import { withinPage } from "./within-page.ts";

const deadLettersMax = 200; // somebody who has more of them looks at the list of pending rows
const entriesMax = 500; // of the journal's end, in which refusals are looked for: one page
const instancesMax = 500; // looked at for what they wait for: about 30 ms
const itemsMax = 200; // a person reads them
const refusedLatelyMs = 3_600_000; // who was refused longer ago has gone away

export const listAttention = operation({
  name: "list-attention",
  summary: "What needs somebody: dead letters, what is overdue, what was refused lately, what waits for a person.",
  method: "GET",
  path: "/v1/attention",
  permission: "read",
  answers: { 200: { description: "The most urgent first, each with why and since when.", schema: attention } },
  isChange: false,
  run: async (_asked, _caller, { engine }) => ({ status: 200, body: await attentionOf(engine) }),
});

type Kind = AttentionView["items"][number]["reasons"][number]["kind"];

interface Reason {
  kind: Kind;
  detail: string;
  /** Epoch ms. */
  since: number;
}

const urgency: readonly Kind[] = ["dead-letter", "overdue", "refused", "person"];

/** Its cost is bounded by the limits above, however many instances there are. */
async function attentionOf(engine: Engine): Promise<AttentionView> {
  const [letters, refused, waiting] = [await deadLetters(engine), await refusals(engine), await waits(engine)];
  const found = Map.groupBy([...letters.found, ...refused, ...waiting.found], ({ id }) => id);
  const items = (await Promise.all([...found].map(([id, reasons]) => itemOf(engine, id, reasons))))
    .filter((item) => item !== undefined)
    .toSorted(byUrgency);
  return {
    items: items.slice(0, itemsMax).map(({ reasons, ...item }) => ({
      ...item,
      reasons: reasons.map((each) => ({ ...each, since: timeText(each.since) })),
    })),
    isComplete: letters.isComplete && waiting.isComplete && items.length <= itemsMax,
    nextDueAt: timeText(waiting.nextDueAt),
  };
}

type Found = Reason & { id: string };

async function deadLetters(engine: Engine): Promise<{ found: Found[]; isComplete: boolean }> {
  const { items, nextCursor } = await engine.pending({ state: "dead", limit: withinPage(engine, deadLettersMax) });
  const found = items.map(({ instance, id, activity, attempts, error, createdAt }) => {
    const detail = `${activity ?? id} was given up after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${error ?? "no reason given"}`;
    return { id: instance, kind: "dead-letter" as const, detail, since: createdAt };
  });
  return { found, isComplete: nextCursor === null };
}

/** Refusals at the end of the journal, of instances that nothing has moved since. */
async function refusals(engine: Engine): Promise<Found[]> {
  const { entries } = await engine.journal({ before: Number.MAX_SAFE_INTEGER, limit: withinPage(engine, entriesMax) });
  const from = engine.clock.now() - refusedLatelyMs;
  return [...Map.groupBy(entries, ({ instance }) => instance)].flatMap(([id, own]) => {
    const lastMove = own.findLastIndex(({ outcome }) => outcome === "changed");
    const refused = own.slice(lastMove + 1).filter(({ outcome, at }) => outcome === "refused" && at >= from);
    const last = refused.at(-1);
    if (last === undefined) return [];
    return [{ id, kind: "refused" as const, detail: refusalText(last, refused.length), since: last.at }];
  });
}

function refusalText({ event, principal, reasons = [] }: JournalEntry, times: number): string {
  const often = times === 1 ? "" : `, ${times} times`;
  const [first] = reasons;
  return `${event?.type ?? "an event"} by ${principal}${often}${first === undefined ? "" : `: ${first.detail}`}`;
}

/** What is overdue, and what waits for a person, of the instances in those states where it can be. */
async function waits(engine: Engine): Promise<{ found: Found[]; isComplete: boolean; nextDueAt: number | null }> {
  const found: Found[] = [];
  let left = instancesMax;
  let isComplete = true;
  let nextDueAt = Infinity;
  for (const place of placesToLook(engine.catalogue.machines)) {
    const { machine, state } = place;
    const query = { machine: machine.name, ...(state !== undefined && { state }) };
    const { items, nextCursor } = await engine.list({ ...query, limit: withinPage(engine, Math.max(1, left)) });
    const looked = items.slice(0, left); // with none left, one is read to know whether there are any
    left -= looked.length;
    isComplete &&= nextCursor === null && looked.length === items.length;
    for (const instance of looked) {
      found.push(...overdueOf(instance));
      if (await waitsForPerson(engine, place, instance)) found.push(personOf(place.machine, instance));
      for (const { until, overdue } of instance.waitingFor)
        if (until !== null && !overdue) nextDueAt = Math.min(nextDueAt, until);
    }
  }
  return { found, isComplete, nextDueAt: nextDueAt === Infinity ? null : nextDueAt };
}

function overdueOf({ id, waitingFor }: Instance): Found[] {
  return waitingFor.flatMap(({ what, until, overdue }) =>
    overdue && until !== null ? [{ id, kind: "overdue" as const, detail: what, since: until }] : [],
  );
}

/** By the wait of the region that asks for somebody, where it is not the leading one. */
function personOf({ chart }: Machine, { id, value, waitingFor, since }: Instance): Found {
  const states = new Map<string, unknown>(Object.entries(value ?? {}));
  const asks = ({ region }: { region: string }) => {
    const state = chart.root.states[region]?.states[String(states.get(region))];
    return state !== undefined && asksForAttention(state);
  };
  const wait = waitingFor.find(asks) ?? waitingFor[0];
  return { id, kind: "person", detail: wait?.what ?? "somebody", since: wait?.since ?? since };
}

/** Tagged so by its machine; or at no rest, with nothing under way, and hearing persons alone. */
async function waitsForPerson(
  engine: Engine,
  { machine, isOfPersons }: PlaceToLook,
  instance: Instance,
): Promise<boolean> {
  const { id, status, tags, hears, deadline } = instance;
  if (status !== "active") return false;
  if (tags.includes("attention")) return true;
  if (!isOfPersons || tags.includes("steady") || deadline !== null || hears.length === 0) return false;
  if (!hears.every(({ type }) => comesFromPersons(machine, type))) return false;
  const { items } = await engine.pending({ instance: id, kind: "call", limit: 1 });
  return items.length === 0;
}

function comesFromPersons(machine: Machine, type: string): boolean {
  const schema = machine.events[type];
  return schema !== undefined && sendersOf(schema).every((each) => each === "person" || each === "engine");
}

interface PlaceToLook {
  machine: Machine;
  /** A leading state; undefined: all of them. */
  state: string | undefined;
  /** Whether it may wait for persons without being tagged so. */
  isOfPersons: boolean;
}

/** The states in which an instance may need somebody, by what the charts declare: first those that say so. */
function placesToLook(machines: readonly Machine[]): PlaceToLook[] {
  const rated = machines.flatMap((machine): (PlaceToLook & { rank: number })[] => {
    const leading = leadingRegion(machine.chart);
    const beside = stateNodesOf(machine.chart).filter((node) => node !== leading && !isWithin(node, leading));
    if (beside.some((node) => asksForAttention(node) || hasDeadline(node)))
      return [{ machine, state: undefined, isOfPersons: within(leading).some(restsOnPersons), rank: 0 }];
    return Object.values(leading.states).flatMap((state) => {
      const nodes = within(state);
      const isOfPersons = nodes.some(restsOnPersons);
      const rank = nodes.some(asksForAttention) ? 0 : nodes.some(hasDeadline) ? 1 : isOfPersons ? 2 : 3;
      return rank === 3 ? [] : [{ machine, state: state.key, isOfPersons, rank }];
    });
  });
  return rated.toSorted((a, b) => a.rank - b.rank);
}

function within(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(within)];
}

function isWithin(node: AnyStateNode, region: AnyStateNode): boolean {
  return node === region || (node.parent !== undefined && isWithin(node.parent, region));
}

function asksForAttention(node: AnyStateNode): boolean {
  return node.tags.includes("attention");
}

function hasDeadline(node: AnyStateNode): boolean {
  return metaOf(node).until !== undefined;
}

/** An innermost state that says what it waits for, in which nothing runs, no time passes, and that is no rest. */
function restsOnPersons(node: AnyStateNode): boolean {
  if (node.type !== "atomic" || metaOf(node).waitingFor === undefined) return false;
  for (let each: AnyStateNode | undefined = node; each !== undefined; each = each.parent) {
    if (each.invoke.length > 0 || each.after.length > 0 || each.tags.includes("steady")) return false;
  }
  return true;
}

type Item = Omit<AttentionView["items"][number], "reasons"> & { reasons: Reason[] };

/** Nothing when the instance is gone or has ended meanwhile. */
async function itemOf(engine: Engine, id: string, found: readonly Found[]): Promise<Item | undefined> {
  const instance = await ifThere(engine.read(id));
  if (instance === undefined) return undefined;
  const { machine, state, status, tags } = instance;
  const reasons = found
    .map(({ kind, detail, since }) => ({ kind, detail, since }))
    .toSorted((a, b) => urgency.indexOf(a.kind) - urgency.indexOf(b.kind) || a.since - b.since);
  const isOver = status !== "active" && reasons.every(({ kind }) => kind === "refused");
  return isOver ? undefined : { id, machine, state, status, tags, reasons };
}

function byUrgency({ reasons: [a], id }: Item, { reasons: [b], id: other }: Item): number {
  if (a === undefined || b === undefined) return 0;
  return urgency.indexOf(a.kind) - urgency.indexOf(b.kind) || a.since - b.since || (id < other ? -1 : 1);
}
