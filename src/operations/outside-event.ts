import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import { isSetByOperation } from "../core/machine.ts";
import type { Engine } from "../engine/engine.ts";
import type { EventBody } from "./schemas.ts";

/** Refuses fields of a raw event that only an operation of ours fills in, such as the slots of a maintenance group. */
export async function checkOutsideEvent(engine: Engine, id: string, event: EventBody, under = ""): Promise<void> {
  const { machine } = await engine.read(id);
  const schema = engine.catalogue.find(machine)?.events[event.type];
  if (!(schema instanceof z.ZodObject)) return;
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([name, field]) => name in event && isSetByOperation(field))
    .map(([name]) => name);
  if (fields.length === 0) return;
  throw new SignalboxError(
    "invalid-request",
    `${fields.join(" and ")} of ${event.type} cannot be set from outside; leave them out.`,
    {
      errors: fields.map((field) => ({
        pointer: `${under}/${field}`,
        detail: "set by an operation of the server only",
      })),
    },
  );
}
