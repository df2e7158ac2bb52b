import { sentBy } from "signalbox";
import { z } from "zod";

/** What may be sent, by whom, and with what. Anything else is refused before the chart is asked. */
export const events = {
  "errors.observed": sentBy("agent", { perMillion: z.int().nonnegative().max(1_000_000) }),
  "rollout.resume": sentBy("person", {}),
  "rollout.withdraw": sentBy("person", {}),
};

export const input = z
  .strictObject({ flag: z.string().min(1).max(100), errorsMax: z.int().nonnegative().max(1_000_000) })
  .meta({ examples: [{ flag: "new-checkout", errorsMax: 500 }] });
