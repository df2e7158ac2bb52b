import { z } from "zod";
import { isNameable } from "./operation.ts";

/** Schemas that several operations share. */
export const idParams = z.strictObject({ id: z.string().min(1).max(500) });
/** Of something new: it has to be asked for by this later. */
export const newId = z.string().min(1).max(500).refine(isNameable, "no URL can name this");
export const keyParams = z.strictObject({ key: z.string().min(1).max(1_200) });
export const limitQuery = z.coerce.number().int().min(1).max(500).optional();
export const cursorQuery = z.string().min(1).max(2_000).optional();
export const sequenceQuery = z.coerce.number().int().nonnegative().optional();

/** `name:value`; the value may hold further colons. */
export const labelQuery = z
  .string()
  .regex(/^[^:]+:.*$/s, "expected name:value")
  .transform((text) => ({ name: text.slice(0, text.indexOf(":")), value: text.slice(text.indexOf(":") + 1) }))
  .optional();

const labelText = z.string().min(1).max(200);
export const labels = z
  .record(labelText, z.string().max(200))
  .refine((given) => Object.keys(given).length <= 50, "at most 50 labels");

/** An event as it is sent: its fields are checked by the schema that the machine has for its type. */
export const eventBody = z.looseObject({ type: z.string().min(1).max(200) });
export type EventBody = z.output<typeof eventBody>;
