import { z } from "zod";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { asked, given } from "./instances.ts";
import { operation, type Answer, type Caller, type Operation } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { cursorQuery, limitQuery } from "./schemas.ts";
import { instanceBody, sentAnswer } from "./wire.ts";

const nodeParams = z.strictObject({ node: z.string().min(1).max(200) });
const payload = z.looseObject({}).optional();

export const listNodes = operation({
  name: "list-nodes",
  summary: "The nodes and where each of them is in its maintenance.",
  method: "GET",
  path: "/v1/nodes",
  query: z.strictObject({ state: z.string().min(1).optional(), cursor: cursorQuery, limit: limitQuery }),
  isChange: false,
  async run({ query }, _caller, { engine }) {
    const { items, nextCursor } = await engine.list({ machine: "nodeMaintenance", ...given(query) });
    return { status: 200, body: { items: items.map(instanceBody), nextCursor } };
  },
});

export const showNode = operation({
  name: "show-node",
  summary: "One node.",
  method: "GET",
  path: "/v1/nodes/:node",
  params: nodeParams,
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
  body: z.looseObject({ queue: z.boolean().optional() }).optional(),
  isChange: true,
  async run({ params, body }, caller, { engine }) {
    const node = await findNode(engine, params.node);
    const { queue, ...request } = body ?? {};
    const event = { type: "maintenance.enter", ...request };
    await checkOutsideEvent(engine, node.id, event);
    const { groups, node: name } = node.context as { groups: string[]; node: string };
    const slots = groups.toSorted();
    if (slots.length === 0) return maintain(engine, node.id, event, caller);
    if (queue === true && node.state === "Active") return enterInLine(engine, { node, name, request, slots }, caller);
    const taken = slots.map((group) => ({
      id: groupId(group),
      event: { type: "slot.taken", node: name },
      sender: "engine" as const,
    }));
    const move = { id: node.id, event: { ...event, slots }, ...versionOf(caller) };
    const fingerprint = JSON.stringify(["enter-maintenance", node.id, body ?? {}]);
    const sents = await engine.transactAsEngine([...taken, move], { ...asked(caller), fingerprint });
    const answer = sents.find(({ outcome }) => outcome === "refused") ?? sents.at(-1);
    if (answer === undefined) throw new SignalboxError("internal-fault", "A transaction was not answered.");
    return sentAnswer(answer, answer.instance.id === node.id ? "maintenance.enter" : "slot.taken");
  },
});

export const exitMaintenance = nodeOperation(
  "exit",
  "Leaves maintenance; `force` says that what is not well is accepted.",
);
export const abortMaintenance = nodeOperation("abort", "Stops a drain and goes back.");
export const retryMaintenance = nodeOperation(
  "retry",
  "Tries a failed drain again in a new window; the slots are kept.",
);
export const cordonNode = nodeOperation("cordon", "Keeps new work away from a node.");
export const uncordonNode = nodeOperation("uncordon", "Takes the operator's hold off a node.");

type NodeAction = "exit" | "abort" | "retry" | "cordon" | "uncordon";

function nodeOperation(action: NodeAction, summary: string): Operation {
  const isMaintenance = action !== "cordon" && action !== "uncordon";
  return operation({
    name: isMaintenance ? `${action}-maintenance` : `${action}-node`,
    summary,
    method: "POST",
    path: isMaintenance ? `/v1/nodes/:node/maintenance/${action}` : `/v1/nodes/:node/${action}`,
    params: nodeParams,
    body: payload,
    isChange: true,
    async run({ params, body }, caller, { engine }) {
      const node = await findNode(engine, params.node);
      const event = { ...body, type: `${isMaintenance ? "maintenance" : "node"}.${action}` };
      await checkOutsideEvent(engine, node.id, event);
      return maintain(engine, node.id, event, caller);
    },
  });
}

async function maintain(engine: Engine, id: string, event: { type: string }, caller: Caller): Promise<Answer> {
  return sentAnswer(await engine.send(id, event, { ...asked(caller), ...versionOf(caller) }), event.type);
}

interface InLine {
  node: Instance;
  name: string;
  request: Readonly<Record<string, unknown>>;
  slots: readonly string[];
}

/** The groups pass the node on in order of their names, so that no two nodes wait for each other. */
async function enterInLine(engine: Engine, { node, name, request, slots }: InLine, caller: Caller): Promise<Answer> {
  const trial = await engine.dryRun(
    node.id,
    { type: "maintenance.enter", ...request, slots },
    { principal: caller.principal },
  );
  if (trial.outcome === "refused")
    return sentAnswer({ ...trial, outcome: "refused", version: node.version, instance: node }, "maintenance.enter");
  const [first, ...next] = slots;
  const queued = {
    type: "slot.queued",
    node: name,
    instance: node.id,
    request: { ...request, onBehalfOf: caller.principal },
    held: [],
    next,
  };
  const fingerprint = JSON.stringify(["enter-in-line", node.id, request]);
  const move = { id: groupId(first ?? ""), event: queued, sender: "engine" as const };
  const [sent] = await engine.transactAsEngine([move], { ...asked(caller), fingerprint });
  if (sent === undefined || sent.outcome === "refused")
    throw new SignalboxError("internal-fault", "The group did not take the node in line.");
  const instance = await engine.read(node.id);
  return {
    status: 202,
    body: { outcome: "queued", version: instance.version, group: first, instance: instanceBody(instance) },
    version: instance.version,
    location: `/v1/nodes/${encodeURIComponent(name)}`,
    ...(sent.replayed && { replayed: true }),
  };
}

function groupId(group: string): string {
  return `maintenance-group/${group}`;
}

function versionOf({ expectedVersion }: Caller): { expectedVersion?: number } {
  return expectedVersion === undefined ? {} : { expectedVersion };
}

/** `node/{name}`, or an instance of node maintenance whose id is the bare name. Never creates one. */
async function findNode(engine: Engine, name: string): Promise<Instance> {
  for (const id of [`node/${name}`, name]) {
    try {
      const instance = await engine.read(id);
      if (instance.machine === "nodeMaintenance") return instance;
    } catch (error) {
      if (!isSignalboxError(error, "not-found")) throw error;
    }
  }
  throw new SignalboxError("not-found", `There is no node ${name}. \`signalbox nodes\` lists those that there are.`);
}
