import { z } from "zod";

/** What the server tells of itself, as it is on the wire. */

const time = z.iso.datetime();
const count = z.int().nonnegative();

/** Where things are. */
export const places = z.strictObject({
  inspect: z.string().meta({ description: "A page: instances, their charts, and their history." }),
  docs: z.string().meta({ description: "A page: every route, with a request that runs." }),
  contract: z.string().meta({ description: "The same as OpenAPI." }),
  readiness: z.string().meta({ description: "Whether all is well." }),
});

/** OpenAPI 3.1: a standard says what more is in it. */
export const contract = z.looseObject({ openapi: z.string() });

export const health = z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" });

export const readinessCheck = z
  .strictObject({ name: z.string(), status: z.enum(["ok", "failing"]), detail: z.string() })
  .meta({ id: "ReadinessCheck" });

export const readinessReport = z
  .strictObject({
    status: z.literal("ok"),
    checks: z.array(readinessCheck),
    version: z.string(),
    uptimeSeconds: count,
    openStreams: count,
    housekeeping: z
      .strictObject({ at: time, status: z.enum(["ok", "failing"]) })
      .nullable()
      .meta({ description: "How the last round went; null before the first." }),
  })
  .meta({ id: "ReadinessReport" });
