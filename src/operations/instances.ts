import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import type { Instance, Move, Sent } from "../core/outcome.ts";
import { afterEarlierMoves } from "../engine/plan.ts";
import {
  dryRun,
  explanation,
  instanceList,
  instanceView,
  journalPage,
  sentEvent,
  sentEvents,
  verification,
} from "./answer-schemas.ts";
import { operation, type Caller } from "./operation.ts";
import { checkFields, checkMoves, checkOutsideEvent } from "./outside-event.ts";
import { checkHost, whyNotSend } from "./permission.ts";
import {
  beforeQuery,
  cursorQuery,
  eventBody,
  idParams,
  labelQuery,
  labels,
  limitQuery,
  newId,
  sequenceQuery,
} from "./schemas.ts";
import {
  dryRunBody,
  entryBody,
  explanationBody,
  instanceBody,
  isAccepted,
  pageBody,
  refusedAnswer,
  sentAnswer,
  sentBody,
} from "./wire.ts";

const machineName = z.string().min(1).max(200).meta({ description: "The name of a statechart." });
const machineInput = z.unknown().meta({ description: "What the statechart is made from; it says the schema." });
const idExample = { id: "node/alpha" };
const eventExample = { type: "node.cordon", reason: "a fan is failing" };

export const createInstance = operation({
  name: "create-instance",
  summary: "Creates one instance; the same id and input again answers with what is there.",
  method: "POST",
  path: "/v1/instances",
  body: z.strictObject({
    machine: machineName,
    id: newId.optional(),
    input: machineInput,
    labels: labels.optional(),
  }),
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

const move = z.strictObject({
  id: idParams.shape.id,
  event: eventBody,
  expectedVersion: z
    .number()
    .int()
    .positive()
    .optional()
    .meta({ description: "The version that the instance has to be at." }),
});
const creation = z.strictObject({
  create: z.strictObject({
    machine: machineName,
    id: newId,
    input: machineInput,
    labels: labels.optional(),
  }),
});

export const transact = operation({
  name: "transact",
  summary: "Several events and creations, all or none.",
  method: "POST",
  path: "/v1/transactions",
  body: z.strictObject({
    moves: z
      .array(z.union([move, creation]))
      .min(1)
      .max(1_000),
  }),
  permission: "operate",
  answers: { 200: { description: "All of it has happened; one item for each move.", schema: sentEvents } },
  errors: [
    "not-found",
    "internal-event",
    "already-exists",
    "event-refused",
    "needs-migration",
    "version-mismatch",
    "machine-fault",
  ],
  example: { body: { moves: [{ id: "node/alpha", event: eventExample }] } },
  isChange: true,
  async run({ body: { moves } }, caller, { engine }) {
    const known = moves as Move[]; // zod's optional fields may be undefined, ours are absent
    await checkMoves(engine, caller, known);
    const sents = await engine.transact(known, asked(caller));
    const [first] = sents;
    if (first !== undefined && !isAccepted(first)) {
      const { index, type } = refusedMove(known, first);
      const answer = refusedAnswer(first, type);
      return { ...answer, body: { ...answer.body, move: index } };
    }
    const items = sents.filter(isAccepted).map(sentBody);
    return { status: 200, body: { items }, ...(first?.replayed && { replayed: true }) };
  },
});

/** Which move a refusal is about: of several on one instance, the one that its reasons point to. */
function refusedMove(moves: readonly Move[], { instance, reasons = [] }: Sent): { index: number; type: string } {
  const onIt = moves.flatMap((each, index) =>
    "event" in each && each.id === instance.id ? [{ index, type: each.event.type }] : [],
  );
  const isLater = reasons.some(({ code }) => code === afterEarlierMoves.code);
  const candidates = isLater && onIt.length > 1 ? onIt.slice(1) : onIt;
  const { event } = (reasons[0]?.data ?? {}) as { event?: unknown };
  return candidates.find(({ type }) => type === event) ?? candidates[0] ?? { index: 0, type: "" };
}

export const explainInstance = operation({
  name: "explain-instance",
  summary: "What an instance waits for, since when, until when, and what would move it.",
  method: "GET",
  path: "/v1/instances/:id/explain",
  params: idParams,
  permission: "read",
  answers: { 200: { description: "What it waits for, and what is pending.", schema: explanation } },
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
  answers: { 200: { description: "The same, with a verdict on the event.", schema: explanation } },
  errors: ["internal-event", "needs-migration", "machine-fault"],
  example: { params: idExample, body: eventExample },
  isChange: false,
  async run({ params: { id }, body }, caller, { engine }) {
    const { machine } = await engine.read(id);
    checkFields(engine, machine, body);
    const forbidden = whyNotSend(caller, { id, machine: engine.catalogue.find(machine), type: body.type });
    return { status: 200, body: explanationBody(await engine.explain(id, body), forbidden) };
  },
});

export const showJournal = operation({
  name: "show-journal",
  summary: "What happened to an instance, by sequence number.",
  method: "GET",
  path: "/v1/instances/:id/journal",
  params: idParams,
  query: z.strictObject({ after: sequenceQuery, before: beforeQuery, limit: limitQuery }),
  permission: "read",
  answers: { 200: { description: "A page of entries.", schema: journalPage } },
  example: { params: idExample, query: { after: 0, limit: 50 } },
  isChange: false,
  async run({ params, query }, _caller, { engine }) {
    const { entries, nextAfter } = await engine.journal({ instance: params.id, ...given(query) });
    return { status: 200, body: { entries: entries.map(entryBody), nextAfter } };
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

/** What the engine is told of the caller. */
export function asked({ principal, command, trace }: Caller) {
  return {
    principal,
    ...(trace !== undefined && { trace }),
    ...(command && { commandId: command.id, fingerprint: command.fingerprint }),
  };
}

export function versionOf({ expectedVersion }: Caller): { expectedVersion?: number } {
  return expectedVersion === undefined ? {} : { expectedVersion };
}

/** For what the engine does not check itself. Throws `version-mismatch`. */
export function checkVersion({ id, version }: Instance, { expectedVersion }: Caller): void {
  if (expectedVersion === undefined || expectedVersion === version) return;
  const detail = `${id} is at version ${version}, not ${expectedVersion}. Read it again and decide anew.`;
  throw new SignalboxError("version-mismatch", detail, { extra: { version } });
}

/** Without the fields that were not given. */
export function given<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as never;
}
