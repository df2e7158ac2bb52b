import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import type { Instance, Move, Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { afterEarlierMoves } from "../engine/plan.ts";
import { operation, type Caller } from "./operation.ts";
import { checkMoves, checkOutsideEvent } from "./outside-event.ts";
import { cursorQuery, eventBody, idParams, labelQuery, labels, limitQuery, newId, sequenceQuery } from "./schemas.ts";
import { entryBody, instanceBody, pendingBody, sentAnswer } from "./wire.ts";

export const createInstance = operation({
  name: "create-instance",
  summary: "Creates one instance; the same id and input again answers with what is there.",
  method: "POST",
  path: "/v1/instances",
  body: z.strictObject({
    machine: z.string().min(1).max(200),
    id: newId.optional(),
    input: z.unknown(),
    labels: labels.optional(),
  }),
  permission: "operate",
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
    machine: z.string().min(1).optional(),
    state: z.string().min(1).optional(),
    tag: z.string().min(1).optional(),
    label: labelQuery,
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  isChange: false,
  async run({ query }, _caller, { engine }) {
    const { items, nextCursor } = await engine.list(given(query));
    return { status: 200, body: { items: items.map(instanceBody), nextCursor } };
  },
});

export const showInstance = operation({
  name: "show-instance",
  summary: "One instance: where it is, what it waits for, what it hears.",
  method: "GET",
  path: "/v1/instances/:id",
  params: idParams,
  permission: "read",
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
  query: z.strictObject({ dryRun: z.enum(["true", "false"]).optional() }),
  body: eventBody,
  permission: "operate",
  isChange: true,
  isOfVersion: true,
  async run({ params: { id }, query, body }, caller, { engine }) {
    const now = await engine.read(id);
    checkOutsideEvent(engine, now.machine, body);
    if (query.dryRun === "true") {
      checkVersion(now, caller);
      const { outcome, reasons, via, effects, instance } = await engine.dryRun(id, body, {
        principal: caller.principal,
      });
      return {
        status: 200,
        body: { outcome, ...(reasons && { reasons }), via, effects, instance: instanceBody(instance) },
      };
    }
    return sentAnswer(await engine.send(id, body, { ...asked(caller), ...versionOf(caller) }), body.type);
  },
});

const move = z.strictObject({
  id: z.string().min(1).max(500),
  event: eventBody,
  expectedVersion: z.number().int().positive().optional(),
});
const creation = z.strictObject({
  create: z.strictObject({
    machine: z.string().min(1).max(200),
    id: newId,
    input: z.unknown(),
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
  isChange: true,
  async run({ body: { moves } }, caller, { engine }) {
    const known = moves as Move[]; // zod's optional fields may be undefined, ours are absent
    await checkMoves(engine, known);
    const sents = await engine.transact(known, asked(caller));
    const [first] = sents;
    if (first?.outcome === "refused") {
      const { index, type } = refusedMove(known, first);
      const answer = sentAnswer(first, type);
      return { ...answer, body: { ...(answer.body as object), move: index } };
    }
    const items = sents.map(({ outcome, version, instance }) => ({
      outcome,
      version,
      instance: instanceBody(instance),
    }));
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
  isChange: false,
  async run({ params, body }, _caller, { engine }) {
    const { machine } = await engine.read(params.id);
    checkOutsideEvent(engine, machine, body);
    return { status: 200, body: explanationBody(await engine.explain(params.id, body)) };
  },
});

export const showJournal = operation({
  name: "show-journal",
  summary: "What happened to an instance, by sequence number.",
  method: "GET",
  path: "/v1/instances/:id/journal",
  params: idParams,
  query: z.strictObject({ after: sequenceQuery, limit: limitQuery }),
  permission: "read",
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
  body: z.strictObject({ id: z.string().min(1).max(500).optional() }).optional(),
  permission: "read",
  isChange: false,
  run: async ({ body }, _caller, { engine }) => ({ status: 200, body: await engine.verify(body?.id) }),
});

function explanationBody({ instance, hears, pending, verdict }: Awaited<ReturnType<Engine["explain"]>>) {
  const body = instanceBody(instance);
  return {
    instance: body,
    waitingFor: body.waitingFor,
    hears,
    pending: pending.map(pendingBody),
    ...(verdict && { verdict }),
  };
}

/** What the engine is told of the caller. */
export function asked({ principal, command }: Caller) {
  return { principal, ...(command && { commandId: command.id, fingerprint: command.fingerprint }) };
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
