import { z } from "zod";
import { given } from "./instances.ts";
import { operation } from "./operation.ts";
import { cursorQuery, keyParams, limitQuery } from "./schemas.ts";
import { pendingBody } from "./wire.ts";

export const listPending = operation({
  name: "list-pending",
  summary: "What is to happen: calls, timers and messages; dead letters among them.",
  method: "GET",
  path: "/v1/pending",
  query: z.strictObject({
    instance: z.string().min(1).max(500).optional(),
    kind: z.enum(["call", "timer", "message"]).optional(),
    state: z.enum(["due", "waiting", "leased", "retrying", "dead", "manual"]).optional(),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  isChange: false,
  async run({ query }, _caller, { engine }) {
    const { items, nextCursor } = await engine.pending(given(query));
    return { status: 200, body: { items: items.map(pendingBody), nextCursor } };
  },
});

export const retryPending = operation({
  name: "retry-pending",
  summary: "Tries a pending row again now, as if it had never failed.",
  method: "POST",
  path: "/v1/pending/:key/retry",
  params: keyParams,
  permission: "operate",
  isChange: true,
  run: async ({ params }, _caller, { engine }) => ({
    status: 200,
    body: pendingBody(await engine.retryPending(params.key)),
  }),
});

export const discardPending = operation({
  name: "discard-pending",
  summary: "Gives a pending row up: a call ends with an error, a timer or message goes unheard.",
  method: "POST",
  path: "/v1/pending/:key/discard",
  params: keyParams,
  permission: "operate",
  isChange: true,
  async run({ params }, { principal }, { engine }) {
    await engine.discardPending(params.key, { principal });
    return { status: 200, body: { key: params.key, discarded: true } };
  },
});
