import { z } from "zod";
import { journalPage, moment } from "./answer-schemas.ts";
import { given } from "./given.ts";
import { operation } from "./operation.ts";
import { beforeQuery, idParams, limitQuery, sequenceQuery } from "./schemas.ts";
import { entryBody, instanceBody } from "./wire.ts";

export const listJournal = operation({
  name: "list-journal",
  summary: "What happened to all instances, by sequence number.",
  method: "GET",
  path: "/v1/journal",
  query: z.strictObject({ after: sequenceQuery, limit: limitQuery }),
  permission: "read",
  answers: { 200: { description: "A page of entries.", schema: journalPage } },
  example: { query: { after: 0, limit: 50 } },
  isChange: false,
  async run({ query }, _caller, { engine }) {
    const { entries, nextAfter } = await engine.journal(given(query));
    return { status: 200, body: { entries: entries.map(entryBody), nextAfter } };
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
  example: { params: { id: "node/alpha" }, query: { after: 0, limit: 50 } },
  isChange: false,
  async run({ params, query }, _caller, { engine }) {
    const { entries, nextAfter } = await engine.journal({ instance: params.id, ...given(query) });
    return { status: 200, body: { entries: entries.map(entryBody), nextAfter } };
  },
});

const momentParams = idParams.extend({
  seq: z.coerce.number().int().positive().meta({ description: "The number of a journal entry." }),
});

export const showMoment = operation({
  name: "show-moment",
  summary: "An instance as it was right after an entry of its journal, replayed.",
  method: "GET",
  path: "/v1/instances/:id/journal/:seq",
  params: momentParams,
  permission: "read",
  answers: { 200: { description: "The moment, and the one before it.", schema: moment } },
  errors: ["needs-migration", "machine-fault"],
  example: { params: { id: "node/alpha", seq: 1 } },
  isChange: false,
  async run({ params }, _caller, { engine }) {
    const { entry, instance, before } = await engine.momentOf(params.id, params.seq);
    const body = {
      entry: entryBody(entry),
      instance: instanceBody(instance),
      before: before && instanceBody(before),
    };
    return { status: 200, body };
  },
});
