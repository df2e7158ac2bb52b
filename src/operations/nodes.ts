import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import type { Instance, Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { parseEvent } from "../engine/catalogue.ts";
import { ifThere } from "../engine/if-there.ts";
import { asked, versionOf } from "./asked.ts";
import { given } from "./given.ts";
import { instanceList, instanceView, queuedEntry, sentEvent } from "./answer-schemas.ts";
import { operation, type Caller } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { cursorQuery, limitQuery } from "./schemas.ts";
import { instanceBody, pageBody, sentAnswer } from "./wire.ts";

const nodeParams = z.strictObject({
  node: z.string().min(1).max(200).meta({ description: "The name of a node, as in the nodes file." }),
});
const payload = payloadOf({});
const nodeExample = { node: "alpha" };
const sent = { description: "The node has accepted it.", schema: sentEvent, headers: ["ETag"] } as const;
/** Of an event that the node may refuse. */
const eventErrors = ["internal-event", "event-refused", "needs-migration", "machine-fault"] as const;

/** An event's fields, which its machine checks; `own` are the operation's. */
function payloadOf<Own extends z.ZodRawShape>(own: Own) {
  return z
    .looseObject(own)
    .refine((body) => !("type" in body), { path: ["type"], message: "the route says the type; leave it out" })
    .optional();
}

export const listNodes = operation({
  name: "list-nodes",
  summary: "The nodes and where each of them is in its maintenance.",
  method: "GET",
  path: "/v1/nodes",
  query: z.strictObject({
    state: z.string().min(1).optional().meta({ description: "Those in this state." }),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  answers: { 200: { description: "A page of nodes, each as its instance.", schema: instanceList } },
  example: { query: { state: "Maintenance" } },
  isChange: false,
  run: async ({ query }, _caller, { engine }) => ({
    status: 200,
    body: pageBody(await engine.list({ machine: "nodeMaintenance", ...given(query) }), instanceBody),
  }),
});

export const showNode = operation({
  name: "show-node",
  summary: "One node.",
  method: "GET",
  path: "/v1/nodes/:node",
  params: nodeParams,
  permission: "read",
  answers: { 200: { description: "The node, as its instance.", schema: instanceView, headers: ["ETag"] } },
  example: { params: nodeExample },
  isChange: false,
  async run({ params }, _caller, { engine }) {
    const instance = await findNode(engine, params.node);
    return { status: 200, body: instanceBody(instance), version: instance.version };
  },
});

/** Takes the slots of the node's maintenance groups and enters, in one transaction; or waits in line for them. */
export const enterMaintenance = operation({
  name: "enter-maintenance",
  summary: "Begins to drain a node; with `queue` it waits in line for the budget of its groups.",
  method: "POST",
  path: "/v1/nodes/:node/maintenance/enter",
  params: nodeParams,
  body: payloadOf({
    queue: z.boolean().optional().meta({ description: "Whether to wait in line for the budget of its groups." }),
  }),
  permission: "operate",
  answers: {
    200: { ...sent, examples: ["node-draining"] },
    202: { description: "It waits in line.", schema: queuedEntry, headers: ["ETag", "Location"] },
  },
  errors: eventErrors,
  example: { params: nodeExample, body: { reason: "kernel update", drainForMs: 600_000, queue: true } },
  isChange: true,
  isOfVersion: true,
  async run({ params, body }, caller, { engine }) {
    const node = await findNode(engine, params.node);
    const { queue = false, ...request } = body ?? {};
    const event = { type: "maintenance.enter", ...request };
    checkOutsideEvent(engine, caller, { id: node.id, machine: node.machine, event });
    parseEvent(engine.catalogue.machine(node.machine), event); // before the budget is looked at, and as what comes from outside
    const entry = { node, event, slots: groupsOf(node).toSorted() };
    const isAsExpected = (caller.expectedVersion ?? node.version) === node.version; // else the engine says so, or answers again
    const isInLine = queue && entry.slots.length > 0 && node.state === "Active" && isAsExpected;
    const moves = isInLine ? await movesInLine(engine, entry, caller) : movesAtOnce(entry, caller);
    const sents = await engine.transactAsEngine(moves, asked(caller));
    return entryAnswer(engine, node, sents);
  },
});

export const exitMaintenance = nodeOperation({
  action: "exit",
  summary: "Leaves maintenance; `force` says that what is not well is accepted.",
  example: { keepCordoned: true },
  shownAs: "node-leaving",
});
export const abortMaintenance = nodeOperation({
  action: "abort",
  summary: "Stops a drain and goes back.",
  example: { reason: "not today" },
  shownAs: "node-leaving",
});
export const retryMaintenance = nodeOperation({
  action: "retry",
  summary: "Tries a failed drain again in a new window; the slots are kept.",
  example: { reason: "the stuck replica is gone", drainForMs: 600_000 },
  shownAs: "node-draining",
});
export const cordonNode = nodeOperation({
  action: "cordon",
  summary: "Keeps new work away from a node.",
  example: { reason: "a fan is failing" },
  shownAs: "node-cordoned",
});
export const uncordonNode = nodeOperation({
  action: "uncordon",
  summary: "Takes the operator's hold off a node.",
  example: {},
  shownAs: "node-uncordoned",
});

function nodeOperation(made: {
  action: "exit" | "abort" | "retry" | "cordon" | "uncordon";
  summary: string;
  example: Readonly<Record<string, unknown>>;
  /** The name of the example of its answer. */
  shownAs: string;
}) {
  const { action, summary, example, shownAs } = made;
  const isMaintenance = action !== "cordon" && action !== "uncordon";
  return operation({
    name: isMaintenance ? `${action}-maintenance` : `${action}-node`,
    summary,
    method: "POST",
    path: isMaintenance ? `/v1/nodes/:node/maintenance/${action}` : `/v1/nodes/:node/${action}`,
    params: nodeParams,
    body: payload,
    permission: "operate",
    answers: { 200: { ...sent, examples: [shownAs] } },
    errors: eventErrors,
    example: { params: nodeExample, body: example },
    isChange: true,
    isOfVersion: true,
    async run({ params, body }, caller, { engine }) {
      const { id, machine } = await findNode(engine, params.node);
      const event = { ...body, type: `${isMaintenance ? "maintenance" : "node"}.${action}` };
      checkOutsideEvent(engine, caller, { id, machine, event });
      return sentAnswer(await engine.send(id, event, { ...asked(caller), ...versionOf(caller) }), event.type);
    },
  });
}

interface Entry {
  node: Instance;
  event: { type: string } & Readonly<Record<string, unknown>>;
  slots: readonly string[];
}

/** All slots and the entry, or nothing. */
function movesAtOnce({ node, event, slots }: Entry, caller: Caller): EngineMoves {
  const taken = slots.map((group) => ({
    id: groupId(group),
    event: { type: "slot.taken", node: nameOf(node) },
    sender: "engine" as const,
  }));
  const hasSlots = slots.length > 0 && { slots };
  return [...taken, { id: node.id, event: { ...event, ...hasSlots }, ...versionOf(caller), sender: "operation" }];
}

/** The groups pass the node on in order of their names, so that no two nodes wait for each other. */
async function movesInLine(engine: Engine, { node, event, slots }: Entry, caller: Caller): Promise<EngineMoves> {
  const { principal } = caller;
  const trial = await engine.dryRun(node.id, { ...event, slots }, { principal, sender: "operation" }); // what is wrong is told now, not when its turn comes
  if (trial.outcome === "refused") return movesAtOnce({ node, event, slots }, caller);
  const { type: _type, ...request } = event;
  const [first = "", ...next] = slots;
  const queued = {
    type: "slot.queued",
    node: nameOf(node),
    instance: node.id,
    request: { ...request, onBehalfOf: principal },
    held: [],
    next,
    epoch: (node.context as { epoch: number }).epoch,
  };
  return [{ id: groupId(first), event: queued, sender: "engine" }];
}

/** The answer is about the node, also when it was one of its groups that refused. */
async function entryAnswer(engine: Engine, node: Instance, sents: readonly Sent[]) {
  const last = sents.find(({ outcome }) => outcome === "refused") ?? sents.at(-1);
  if (last === undefined) throw new SignalboxError("internal-fault", "A transaction was not answered.");
  if (last.instance.id === node.id) return sentAnswer(last, "maintenance.enter");
  const instance = await engine.read(node.id);
  const { version } = instance;
  if (last.outcome === "refused") return sentAnswer({ ...last, version, instance }, "maintenance.enter");
  const group = (last.instance.context as { name: string }).name;
  return {
    status: 202 as const,
    body: { outcome: "queued" as const, version, group, instance: instanceBody(instance) },
    version,
    location: `/v1/nodes/${encodeURIComponent(nameOf(node))}`,
    ...(last.replayed && { replayed: true }),
  };
}

type EngineMoves = Parameters<Engine["transactAsEngine"]>[0];

function groupId(group: string): string {
  return `maintenance-group/${group}`;
}

/** An instance that waits for its migration has the context of another version. */
function groupsOf({ context }: Instance): readonly string[] {
  const { groups } = (context ?? {}) as { groups?: unknown };
  return Array.isArray(groups) ? (groups as string[]) : [];
}

function nameOf({ context, id }: Instance): string {
  return ((context ?? {}) as { node?: string }).node ?? id;
}

/** `node/{name}`, or an instance of node maintenance whose id is the bare name. Never creates one. */
async function findNode(engine: Engine, name: string): Promise<Instance> {
  for (const id of [`node/${name}`, name]) {
    const instance = await ifThere(engine.read(id));
    if (instance?.machine === "nodeMaintenance") return instance;
  }
  throw new SignalboxError("not-found", `There is no node ${name}. \`signalbox nodes\` lists those that there are.`);
}
