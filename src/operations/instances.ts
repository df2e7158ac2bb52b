import { z } from "zod";
import { dryRun, explanation, instanceList, instanceView, sentEvent, verification } from "./answer-schemas.ts";
import { asked, checkVersion, versionOf } from "./asked.ts";
import { given } from "./given.ts";
import { operation } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { checkHost, whyNotSend } from "./permission.ts";
import { creationBody, cursorQuery, eventBody, idParams, labelQuery, limitQuery, newId } from "./schemas.ts";
import { dryRunBody, explanationBody, instanceBody, pageBody, sentAnswer } from "./wire.ts";

const idExample = { id: "node/alpha" };
const eventExample = { type: "node.cordon", reason: "a fan is failing" };

export const createInstance = operation({
  name: "create-instance",
  summary: "Creates one instance; the same id and input again answers with what is there.",
  method: "POST",
  path: "/v1/instances",
  body: creationBody.extend({ id: newId.optional() }),
  permission: "operate",
  answers: {
    200: { description: "It is there already, made of the same input.", schema: instanceView, headers: ["ETag"] },
    201: { description: "It is made.", schema: instanceView, headers: ["ETag", "Location"] },
  },
  errors: ["not-found", "already-exists", "machine-fault"],
  example: {
    body: {
      machine: "nodeMaintenance",
      id: "node/alpha",
      input: { node: "alpha" },
      labels: { rack: "a" },
    },
  },
  isChange: true,
  async run({ body }, caller, { engine }) {
    const { machine, id = engine.newId(machine), input, labels: named } = body;
    const create = { machine, id, input, ...(named && { labels: named }) };
    const [sent] = await engine.transact([{ create }], asked(caller));
    const instance = sent?.instance ?? (await engine.read(create.id));
    const isNew = sent?.outcome === "changed";
    return {
      status: isNew ? 201 : 200,
      body: instanceBody(instance),
      version: instance.version,
      ...(isNew && { location: `/v1/instances/${encodeURIComponent(instance.id)}` }),
      ...(sent?.replayed && { replayed: true }),
    };
  },
});

export const listInstances = operation({
  name: "list-instances",
  summary: "Instances in order of their ids.",
  method: "GET",
  path: "/v1/instances",
  query: z.strictObject({
    machine: z.string().min(1).optional().meta({ description: "Those of this statechart." }),
    state: z.string().min(1).optional().meta({ description: "Those in this state." }),
    tag: z.string().min(1).optional().meta({ description: "Those that have this tag." }),
    label: labelQuery,
    text: z.string().min(1).max(500).optional().meta({ description: "Those whose id has this in it." }),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  answers: { 200: { description: "A page of instances.", schema: instanceList } },
  example: { query: { machine: "nodeMaintenance", state: "Active", limit: 20 } },
  isChange: false,
  run: async ({ query }, _caller, { engine }) => ({
    status: 200,
    body: pageBody(await engine.list(given(query)), instanceBody),
  }),
});

export const showInstance = operation({
  name: "show-instance",
  summary: "One instance: where it is, what it waits for, what it hears.",
  method: "GET",
  path: "/v1/instances/:id",
  params: idParams,
  permission: "read",
  answers: { 200: { description: "The instance.", schema: instanceView, headers: ["ETag"] } },
  example: { params: idExample },
  isChange: false,
  async run({ params }, _caller, { engine }) {
    const instance = await engine.read(params.id);
    return { status: 200, body: instanceBody(instance), version: instance.version };
  },
});

export const sendEvent = operation({
  name: "send-event",
  summary: "Sends one event; `dryRun=true` tells what would happen and changes nothing.",
  method: "POST",
  path: "/v1/instances/:id/events",
  params: idParams,
  query: z.strictObject({
    dryRun: z.enum(["true", "false"]).optional().meta({ description: "Whether to tell only what would happen." }),
  }),
  body: eventBody,
  permission: "send",
  answers: {
    200: {
      description: "It was accepted; or, of a dry run, what it would do.",
      schema: z.union([sentEvent, dryRun]),
      examples: ["node-cordoned", "dry-run"],
      headers: ["ETag"],
    },
  },
  errors: ["internal-event", "event-refused", "needs-migration", "machine-fault"],
  example: { params: idExample, body: eventExample },
  isChange: true,
  isOfVersion: true,
  async run({ params: { id }, query, body }, caller, { engine }) {
    checkHost(caller, id);
    if (query.dryRun === "true") {
      const now = await engine.read(id);
      checkOutsideEvent(engine, caller, { id, machine: now.machine, event: body });
      checkVersion(now, caller);
      return { status: 200, body: dryRunBody(await engine.dryRun(id, body, { principal: caller.principal })) };
    }
    checkOutsideEvent(engine, caller, { id, machine: await engine.machineOf(id), event: body });
    return sentAnswer(await engine.send(id, body, { ...asked(caller), ...versionOf(caller) }), body.type);
  },
});

export const explainInstance = operation({
  name: "explain-instance",
  summary: "What an instance waits for, since when, until when, and what would move it.",
  method: "GET",
  path: "/v1/instances/:id/explain",
  params: idParams,
  permission: "read",
  answers: {
    200: { description: "What it waits for, and what is pending.", schema: explanation, examples: ["explained"] },
  },
  example: { params: idExample },
  isChange: false,
  run: async ({ params }, _caller, { engine }) => ({
    status: 200,
    body: explanationBody(await engine.explain(params.id)),
  }),
});

export const explainEvent = operation({
  name: "explain-event",
  summary: "Whether an event would be accepted now, and if not, which laws say no and why.",
  method: "POST",
  path: "/v1/instances/:id/explain",
  params: idParams,
  body: eventBody,
  permission: "read",
  answers: {
    200: { description: "The same, with a verdict on the event.", schema: explanation, examples: ["explained-event"] },
  },
  errors: ["internal-event", "needs-migration", "machine-fault"],
  example: { params: idExample, body: eventExample },
  isChange: false,
  async run({ params: { id }, body }, caller, { engine }) {
    const { machine } = await engine.read(id);
    const forbidden = whyNotSend(caller, { id, machine: engine.catalogue.find(machine), type: body.type });
    return {
      status: 200,
      body: explanationBody(await engine.explain(id, body, { principal: caller.principal }), forbidden),
    };
  },
});

export const verify = operation({
  name: "verify",
  summary: "Replays journals and compares them with what is stored.",
  method: "POST",
  path: "/v1/verify",
  body: z
    .strictObject({
      id: z.string().min(1).max(500).optional().meta({ description: "One instance; all when not given." }),
    })
    .optional(),
  permission: "read",
  answers: { 200: { description: "What was compared, and what differs.", schema: verification } },
  errors: ["not-found"],
  example: { body: idExample },
  isChange: false,
  run: async ({ body }, _caller, { engine }) => ({ status: 200, body: await engine.verify(body?.id) }),
});
