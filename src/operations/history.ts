import { z } from "zod";
import { moment } from "./answer-schemas.ts";
import { operation } from "./operation.ts";
import { idParams } from "./schemas.ts";
import { entryBody, instanceBody } from "./wire.ts";

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
