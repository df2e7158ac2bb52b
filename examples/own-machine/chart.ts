import { guardsOf } from "signalbox";
import { assign, setup } from "xstate";
import type { z } from "zod";
import type { input } from "./events.ts";
import { laws, type Rollout, type RolloutEvent } from "./laws.ts";

/**
 * A feature flag is shown to one user of a hundred for an hour, then to a quarter for a day, then to all. Too many errors
 * halt it; it begins anew when they have gone, and only then.
 */
export const chart = setup({
  types: {
    context: {} as Rollout,
    events: {} as RolloutEvent,
    input: {} as z.output<typeof input> & { at: number },
  },
  guards: guardsOf(laws),
  actions: {
    noteErrors: assign({
      errors: ({ context, event }) => (event.type === "errors.observed" ? event.perMillion : context.errors),
    }),
  },
  delays: { canarySoak: 3_600_000, partialSoak: 86_400_000 },
}).createMachine({
  id: "flagRollout",
  options: { maxIterations: 10 },
  context: ({ input: { flag, errorsMax } }) => ({ flag, errorsMax, errors: 0 }),
  initial: "Canary",
  states: {
    Canary: {
      description: "One of a hundred sees it.",
      meta: { waitingFor: "the first hour without too many errors" },
      on: {
        "errors.observed": [
          { guard: "isBearable", actions: "noteErrors" },
          { target: "Halted", actions: "noteErrors" },
        ],
        "rollout.withdraw": "Withdrawn",
      },
      after: { canarySoak: "Partial" },
    },
    Partial: {
      description: "A quarter sees it.",
      meta: { waitingFor: "a day without too many errors" },
      on: {
        "errors.observed": [
          { guard: "isBearable", actions: "noteErrors" },
          { target: "Halted", actions: "noteErrors" },
        ],
        "rollout.withdraw": "Withdrawn",
      },
      after: { partialSoak: "Complete" },
    },
    Halted: {
      description: "Nobody new sees it.",
      meta: { waitingFor: "the errors to go, and somebody to resume it", noDeadline: "nothing goes on by itself" },
      on: {
        "errors.observed": { actions: "noteErrors" },
        "rollout.resume": { guard: "hasRecovered", target: "Canary" },
        "rollout.withdraw": "Withdrawn",
      },
    },
    Complete: { type: "final", description: "Everybody sees it." },
    Withdrawn: { type: "final", description: "Nobody sees it." },
  },
});
