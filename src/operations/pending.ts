import { z } from "zod";
import { asked } from "./asked.ts";
import { given } from "./given.ts";
import { discarded, pendingItem, pendingList } from "./answer-schemas.ts";
import { operation } from "./operation.ts";
import { cursorQuery, keyParams, limitQuery } from "./schemas.ts";
import { pageBody, pendingBody } from "./wire.ts";

const keyExample = { params: { key: "node/alpha#2:drainNode" } };

export const listPending = operation({
  name: "list-pending",
  summary: "What is to happen: calls, timers and messages; dead letters among them.",
  method: "GET",
  path: "/v1/pending",
  query: z.strictObject({
    instance: z.string().min(1).max(500).optional().meta({ description: "Rows of this instance." }),
    kind: z.enum(["call", "timer", "message"]).optional(),
    state: z
      .enum(["due", "waiting", "leased", "retrying", "dead", "manual"])
      .optional()
      .meta({ description: "`manual`: a call that nobody here performs." }),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  answers: { 200: { description: "A page of rows, in order of their keys.", schema: pendingList } },
  errors: ["not-found"],
  example: { query: { state: "dead" } },
  isChange: false,
  async run({ query }, _caller, { engine }) {
    return { status: 200, body: pageBody(await engine.pending(given(query)), pendingBody) };
  },
});

export const retryPending = operation({
  name: "retry-pending",
  summary: "Tries a pending row again now, as if it had never failed.",
  method: "POST",
  path: "/v1/pending/:key/retry",
  params: keyParams,
  permission: "operate",
  answers: { 200: { description: "The row, as it is now.", schema: pendingItem } },
  example: keyExample,
  isChange: true,
  async run({ params }, caller, { engine }) {
    const { replayed, ...item } = await engine.retryPending(params.key, asked(caller));
    return { status: 200, body: pendingBody(item), ...(replayed && { replayed }) };
  },
});

export const discardPending = operation({
  name: "discard-pending",
  summary: "Gives a pending row up: a call ends with an error, a timer or message goes unheard.",
  method: "POST",
  path: "/v1/pending/:key/discard",
  params: keyParams,
  permission: "operate",
  answers: { 200: { description: "It is given up.", schema: discarded } },
  example: keyExample,
  isChange: true,
  async run({ params }, caller, { engine }) {
    const { replayed } = await engine.discardPending(params.key, asked(caller));
    return { status: 200, body: { key: params.key, discarded: true as const }, ...(replayed && { replayed }) };
  },
});
