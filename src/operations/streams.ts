import { z } from "zod";
import { given } from "./given.ts";
import { eventStreamType, operation, type Answer } from "./operation.ts";
import { idParams, sequenceQuery } from "./schemas.ts";

const streamAnswers = {
  200: {
    description:
      "Server-sent events: `id` is the journal number, `event` is `entry`, `data` an entry as JSON. Without `after` it begins with what comes.",
    contentType: eventStreamType,
  },
};

export const streamJournal = operation({
  name: "stream-journal",
  summary: "What happens to all instances, as it happens.",
  method: "GET",
  path: "/v1/journal/stream",
  query: z.strictObject({ after: sequenceQuery }),
  permission: "read",
  answers: streamAnswers,
  example: { query: { after: 0 } },
  isChange: false,
  run: async ({ query }, { lastEventId }, { engine }) =>
    streamed(await engine.openFeed(given({ after: lastEventId ?? query.after }))),
});

export const streamInstance = operation({
  name: "stream-instance",
  summary: "What happens to one instance, as it happens.",
  method: "GET",
  path: "/v1/instances/:id/stream",
  params: idParams,
  query: z.strictObject({ after: sequenceQuery }),
  permission: "read",
  answers: streamAnswers,
  example: { params: { id: "node/alpha" }, query: { after: 0 } },
  isChange: false,
  async run({ params, query }, { lastEventId }, { engine }) {
    const { id: instance } = await engine.read(params.id);
    return streamed(await engine.openFeed(given({ instance, after: lastEventId ?? query.after })));
  },
});

function streamed(stream: NonNullable<Answer["stream"]>) {
  return { status: 200 as const, body: null, contentType: eventStreamType, stream };
}
