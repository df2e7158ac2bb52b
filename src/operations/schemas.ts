import { z } from "zod";
import { isNameable } from "./operation.ts";

/** Schemas that several operations share. */
export const idParams = z.strictObject({
  id: z.string().min(1).max(500).meta({ description: "Of an instance; percent-encode it." }),
});
/** Of something new: it has to be asked for by this later. */
export const newId = z
  .string()
  .min(1)
  .max(500)
  .refine(isNameable, "no URL can name this")
  .meta({ description: "Of the new instance, such as `node/alpha`." });
export const keyParams = z.strictObject({
  key: z.string().min(1).max(1_200).meta({ description: "Of a pending row; percent-encode it." }),
});
export const limitQuery = z.coerce
  .number()
  .int()
  .min(1)
  .max(500)
  .optional()
  .meta({ description: "How many at most; 100 when not given." });
export const cursorQuery = z
  .string()
  .min(1)
  .max(2_000)
  .optional()
  .meta({ description: "`nextCursor` of the page before." });
export const sequenceQuery = z.coerce
  .number()
  .int()
  .nonnegative()
  .optional()
  .meta({ description: "Entries after this journal number." });

export const beforeQuery = z.coerce
  .number()
  .int()
  .positive()
  .optional()
  .meta({ description: "The last entries before this journal number." });

/** `name:value`; the value may hold further colons. */
export const labelQuery = z
  .string()
  .regex(/^[^:]+:.*$/s, "expected name:value")
  .transform((text) => ({ name: text.slice(0, text.indexOf(":")), value: text.slice(text.indexOf(":") + 1) }))
  .optional()
  .meta({ description: "`name:value`." });

const labelText = z.string().min(1).max(200);
const labels = z
  .record(labelText, z.string().max(200))
  .refine((given) => Object.keys(given).length <= 50, "at most 50 labels")
  .meta({ description: "To find it by; at most 50." });

/** What a new instance is made of. */
export const creationBody = z.strictObject({
  machine: z.string().min(1).max(200).meta({ description: "The name of a statechart." }),
  id: newId,
  input: z.unknown().meta({ description: "What the statechart is made from; it says the schema." }),
  labels: labels.optional(),
});

/** An event as it is sent: its fields are checked by the schema that the machine has for its type. */
export const eventBody = z.looseObject({
  type: z.string().min(1).max(200).meta({ description: "The event's name; its fields stand beside it." }),
});
export type EventBody = z.output<typeof eventBody>;
