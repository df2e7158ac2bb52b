import { assign, enqueueActions, setup } from "xstate";
import { z } from "zod";
import { message } from "../../src/core/activity.ts";
import { guardsOf, type Refusal } from "../../src/core/law.ts";
import { sentBy, type EventsOf, type ExampleEvent, type Machine } from "../../src/core/machine.ts";

const nodeName = z.string().min(1).max(200);
const budget = z.union([z.number().int().positive(), z.string().regex(/^(?:100|[1-9]?\d)%$/)]);
const members = z.number().int().nonnegative().max(100_000);
const groupNames = z.array(z.string().min(1).max(200)).max(100);

const inputSchema = z
  .strictObject({ name: z.string().min(1).max(200), maxUnavailable: budget.optional(), members })
  .meta({
    examples: [
      { name: "racks", members: 3 },
      { name: "zones", maxUnavailable: "50%", members: 5 },
    ],
  });

const eventSchemas = {
  "slot.taken": sentBy("engine", { node: nodeName, observed: z.literal(true).optional() }),
  "slot.queued": sentBy("engine", {
    node: nodeName,
    /** The node's instance, which is told to enter when it has all its slots. */
    instance: z.string().min(1).max(500),
    /** The payload of its `maintenance.enter`. */
    request: z.record(z.string(), z.unknown()),
    /** Groups whose slot it has, and those it needs after this one: always in order of name, so that no two wait for each other. */
    held: groupNames,
    next: groupNames,
    /** The window that the node was in when it was asked for: a note about the line counts in no other. */
    epoch: z.number().int().nonnegative().optional(),
  }),
  "slot.released": sentBy("engine", { node: nodeName }),
  "group.configured": sentBy("engine", { maxUnavailable: budget.optional(), members: members.optional() }),
} as const;

type GroupEvent = EventsOf<typeof eventSchemas>;
type GroupEventOf<Type extends GroupEvent["type"]> = Extract<GroupEvent, { type: Type }>;
type GroupInput = z.output<typeof inputSchema> & { at: number };

interface Holder {
  node: string;
  since: number;
}
interface Waiter extends Holder {
  instance: string;
  request: Readonly<Record<string, unknown>>;
  held: readonly string[];
  next: readonly string[];
  epoch?: number;
}
interface GroupContext {
  name: string;
  maxUnavailable: number | string;
  members: number;
  holders: readonly Holder[];
  /** First come, first served. */
  waiters: readonly Waiter[];
}

/** How many nodes may be out at once: the number, or the share of the members rounded down, at least one. */
function budgetOf({ maxUnavailable, members }: GroupContext): number {
  if (typeof maxUnavailable === "number") return maxUnavailable;
  return Math.max(1, Math.floor((members * Number.parseInt(maxUnavailable, 10)) / 100));
}

const holds = (context: GroupContext, node: string) => context.holders.some((holder) => holder.node === node);

const laws = {
  hasSlotFor(context: GroupContext, event: GroupEventOf<"slot.taken">): Refusal | undefined {
    if (event.observed === true || context.holders.length < budgetOf(context)) return undefined;
    const holders = context.holders.map(({ node }) => node);
    return {
      code: "budget-exhausted",
      detail: `${context.name} allows ${budgetOf(context)} of its nodes out at once; out now: ${holders.join(", ")}.`,
      data: {
        group: context.name,
        maxUnavailable: context.maxUnavailable,
        holders,
        waiting: context.waiters.map(({ node }) => node),
      },
      hint: "ask with `queue` to wait in line (at the command line `--queue`)",
    };
  },
  holdsAlready(
    context: GroupContext,
    event: GroupEventOf<"slot.taken"> | GroupEventOf<"slot.queued">,
  ): Refusal | undefined {
    if (holds(context, event.node)) return undefined;
    const exhausted = event.type === "slot.taken" ? laws.hasSlotFor(context, event) : undefined;
    return exhausted ?? { code: "no-slot", detail: `${event.node} has no slot of ${context.name}.` };
  },
  isWaitingAlready(context: GroupContext, event: GroupEventOf<"slot.queued">): Refusal | undefined {
    if (context.waiters.some(({ node }) => node === event.node)) return undefined;
    return { code: "not-waiting", detail: `${event.node} is not in line at ${context.name}.` };
  },
  isKnown(context: GroupContext, event: GroupEventOf<"slot.released">): Refusal | undefined {
    const known = holds(context, event.node) || context.waiters.some(({ node }) => node === event.node);
    return known
      ? undefined
      : { code: "no-slot", detail: `${event.node} neither has a slot of ${context.name} nor waits for one.` };
  },
  isExhausted(context: GroupContext): Refusal | undefined {
    if (context.holders.length >= budgetOf(context)) return undefined;
    return { code: "has-room", detail: `${context.name} has slots left.` };
  },
  hasRoom(context: GroupContext): Refusal | undefined {
    return laws.isExhausted(context) === undefined
      ? { code: "exhausted", detail: `${context.name} has no slot left.` }
      : undefined;
  },
};

/**
 * The budget of a maintenance group: how many of its nodes may be out at once. It owns the budget, so that taking a slot
 * and entering maintenance are one transaction of two moves.
 */
const chart = setup({
  types: { context: {} as GroupContext, events: {} as GroupEvent, input: {} as GroupInput },
  guards: guardsOf(laws),
  actions: {
    message,
    take: assign(({ context, event }) => {
      const { node, at } = event as GroupEventOf<"slot.taken">;
      return {
        holders: [...context.holders, { node, since: at }],
        waiters: context.waiters.filter((waiter) => waiter.node !== node),
      };
    }),
    queue: assign(({ context, event }) => {
      const { node, instance, request, held, next, epoch, at } = event as GroupEventOf<"slot.queued">;
      const waiter = { node, since: at, instance, request, held, next, ...windowOf({ epoch }) };
      return { waiters: [...context.waiters, waiter] };
    }),
    /** Whoever looks at the node is told what it waits for. */
    tellOfLine: enqueueActions(({ context, event, enqueue }) => {
      if (laws.isExhausted(context) !== undefined) return; // it is served at once
      const queued = event as GroupEventOf<"slot.queued">;
      const note = { type: "node.queued", group: context.name, ...windowOf(queued) };
      enqueue({ type: "message", params: { to: queued.instance, event: note } });
    }),
    release: assign(({ context, event }) => {
      const { node } = event as GroupEventOf<"slot.released">;
      return {
        holders: context.holders.filter((holder) => holder.node !== node),
        waiters: context.waiters.filter((waiter) => waiter.node !== node),
      };
    }),
    configure: assign(({ context, event }) => {
      const { maxUnavailable, members: count } = event as GroupEventOf<"group.configured">;
      return { maxUnavailable: maxUnavailable ?? context.maxUnavailable, members: count ?? context.members };
    }),
    serveWaiters: enqueueActions(({ context, event, enqueue }) => {
      const room = Math.max(0, budgetOf(context) - context.holders.length);
      const served = context.waiters.slice(0, room);
      if (served.length === 0) return;
      const { at } = event;
      enqueue.assign({
        holders: [...context.holders, ...served.map(({ node }) => ({ node, since: at }))],
        waiters: context.waiters.slice(served.length),
      });
      for (const waiter of served) enqueue({ type: "message", params: onward(context.name, waiter) });
    }),
  },
}).createMachine({
  id: "maintenanceGroup",
  description: "The budget of a group of nodes that may be in maintenance together.",
  options: { maxIterations: 50 },
  context: ({ input }) => ({
    name: input.name,
    maxUnavailable: input.maxUnavailable ?? 1,
    members: input.members,
    holders: [],
    waiters: [],
  }),
  initial: "Open",
  on: {
    "slot.released": [
      { guard: "isKnown", actions: ["release", "serveWaiters"] },
      { description: "It has no slot here." },
    ],
    "group.configured": { actions: ["configure", "serveWaiters"] },
    "slot.queued": [
      { guard: "holdsAlready", description: "It has a slot already." },
      { guard: "isWaitingAlready", description: "It is in line already." },
      { actions: ["queue", "tellOfLine", "serveWaiters"] },
    ],
    "slot.taken": [
      { guard: "holdsAlready", description: "It has a slot already." },
      { guard: "hasSlotFor", actions: "take" },
    ],
  },
  states: {
    Open: {
      description: "At least one more node may enter maintenance.",
      tags: ["steady"],
      meta: { waitingFor: "a node to take a slot", noDeadline: "this is the normal state" },
      always: { guard: "isExhausted", target: "Exhausted" },
    },
    Exhausted: {
      description: "As many nodes are out as the budget allows.",
      tags: ["busy"],
      meta: {
        waitingFor: "a node to give its slot back",
        noDeadline: "it lasts as long as the maintenance of its nodes",
      },
      always: { guard: "hasRoom", target: "Open" },
    },
  },
});

/** To the next group in line, or, with all slots in hand, into maintenance. */
function onward(group: string, waiter: Waiter) {
  const { node, instance, request, held, next } = waiter;
  const slots = [...held, group];
  const [following, ...rest] = next;
  if (following === undefined) return { to: instance, event: { type: "maintenance.enter", ...request, slots } };
  return {
    to: `maintenance-group/${following}`,
    event: { type: "slot.queued", node, instance, request, held: slots, next: rest, ...windowOf(waiter) },
  };
}

/** Who was queued before windows were told is in none. */
function windowOf({ epoch }: { epoch?: number | undefined }): { epoch?: number } {
  return epoch === undefined ? {} : { epoch };
}

export const maintenanceGroup: Machine = {
  name: "maintenanceGroup",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract: ({ holders, waiters, maxUnavailable }: GroupContext) => ({
    holders: holders.map(({ node }) => node).toSorted(),
    waiters: waiters.map(({ node, next }) => [node, next.length]),
    maxUnavailable,
  }),
  notes: (context: GroupContext) => {
    const named = (nodes: readonly Holder[]) => nodes.map(({ node }) => node).join(", ");
    const { holders, waiters } = context;
    const by = holders.length > 0 ? ` by ${named(holders)}` : "";
    return [`${holders.length} of ${budgetOf(context)} slots taken${by}; in line: ${named(waiters) || "nobody"}`];
  },
};

function examples(): ExampleEvent[] {
  const nodes = ["alpha", "beta"];
  const queued = (node: string, next: string[]) => ({
    type: "slot.queued",
    node,
    instance: `node/${node}`,
    request: { reason: "a new kernel" },
    held: [],
    next,
  });
  const events: ExampleEvent[] = [
    ...nodes.flatMap((node) => [
      { type: "slot.taken", node },
      { type: "slot.taken", node, observed: true },
      { type: "slot.released", node },
      queued(node, []),
    ]),
    queued("beta", ["zone-b"]),
    { type: "group.configured", maxUnavailable: 2 },
    { type: "group.configured", maxUnavailable: 1 },
  ];
  return events.map((event) => ({ at: 1_000_000, principal: "engine", ...event }));
}
