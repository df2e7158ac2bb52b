import type { Machine } from "signalbox";
import { chart } from "./chart.ts";
import { events, input } from "./events.ts";
import { laws, type Rollout } from "./laws.ts";

export const flagRollout: Machine = {
  name: "flagRollout",
  chart,
  input,
  events,
  laws,
  /** One of each kind that makes a difference: the tests send all of them to every situation. */
  examples: () => [
    { type: "errors.observed", perMillion: 500 },
    { type: "errors.observed", perMillion: 501 },
    { type: "rollout.resume" },
    { type: "rollout.withdraw" },
    { type: "xstate.after.canarySoak.flagRollout.Canary" },
    { type: "xstate.after.partialSoak.flagRollout.Partial" },
  ],
  /** What of the context tells two situations apart; all else would make their number endless. */
  abstract: ({ errors, errorsMax }: Rollout) => ({ isFailing: errors > errorsMax }),
};
