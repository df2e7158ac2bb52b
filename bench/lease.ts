import { assign, cancel, enqueueActions, setup } from "xstate";
import { z } from "zod";
import { sentBy, type EventsOf, type Machine } from "../src/core/machine.ts";

const events = {
  "lease.renewed": sentBy("person", { holder: z.string() }),
  "lease.expired": sentBy("engine", {}),
} as const;
type LeaseEvent = EventsOf<typeof events>;

/** A small chart whose one event moves a deadline: every send writes the instance, the journal, and a timer for a timer. */
const chart = setup({
  types: { context: {} as { holder: string; renewals: number }, events: {} as LeaseEvent },
  actions: {
    renew: assign(({ context, event }) => ({
      holder: (event as Extract<LeaseEvent, { type: "lease.renewed" }>).holder,
      renewals: context.renewals + 1,
    })),
    arm: enqueueActions(({ enqueue }) => {
      enqueue.raise({ type: "lease.expired" } as LeaseEvent, { id: "expiry", delay: 3_600_000 });
    }),
  },
}).createMachine({
  id: "lease",
  options: { maxIterations: 10 },
  context: { holder: "nobody", renewals: 0 },
  initial: "Free",
  states: {
    Free: {
      description: "Nobody holds it.",
      meta: { waitingFor: "a holder", noDeadline: "it may be free for ever" },
      on: { "lease.renewed": { target: "Held", actions: ["renew", "arm"] } },
    },
    Held: {
      description: "Somebody holds it.",
      meta: { waitingFor: "a renewal", noDeadline: "the timer ends it" },
      on: {
        "lease.renewed": { actions: ["renew", cancel("expiry"), "arm"] },
        "lease.expired": { target: "Free" },
      },
    },
  },
});

export const lease: Machine = {
  name: "lease",
  chart,
  input: z.strictObject({}),
  events,
  laws: {},
  examples: () => [],
  abstract: () => ({}),
};
