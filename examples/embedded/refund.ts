import { activity, guardsOf, sentBy, type EventsOf, type Machine, type Refusal } from "signalbox";
import { assign, setup } from "xstate";
import { z } from "zod";

/**
 * A customer sends goods back and gets the money for them. The parcel has 14 days to arrive; what it is worth is paid
 * back, never more than was paid.
 */

export interface Transfer {
  order: string;
  cents: number;
}

export interface Receipt {
  transfer: string;
}

const input = z.strictObject({
  order: z.string().min(1).max(100),
  paidCents: z.int().positive(),
});

const events = {
  "parcel.arrived": sentBy("person", { worthCents: z.int().nonnegative() }),
  "refund.cancel": sentBy("person", {}),
  "refund.retry": sentBy("person", {}),
};

interface Refund {
  order: string;
  paidCents: number;
  returnBy: number;
  worthCents: number | null;
  receipt: Receipt | null;
  problem: string | null;
}

type RefundEvent = EventsOf<typeof events>;

const laws = {
  isCovered({ paidCents }: Refund, event: RefundEvent): Refusal | undefined {
    if (event.type !== "parcel.arrived" || event.worthCents <= paidCents) return undefined;
    return {
      code: "more-than-was-paid",
      detail: `${event.worthCents} cents cannot be paid back: ${paidCents} were paid.`,
      data: { paidCents },
    };
  },
};

const returnWindowMs = 14 * 24 * 60 * 60 * 1_000; // what the terms of sale promise

const chart = setup({
  types: {
    context: {} as Refund,
    events: {} as RefundEvent,
    input: {} as z.output<typeof input> & { at: number }, // the engine adds the time of creation
  },
  actors: { payBack: activity<Transfer, Receipt>({ retry: { attempts: 5, baseMs: 500, maxMs: 60_000 } }) },
  guards: guardsOf(laws),
  delays: { returnWindow: returnWindowMs },
}).createMachine({
  id: "refund",
  options: { maxIterations: 10 },
  context: ({ input: { order, paidCents, at } }) => ({
    order,
    paidCents,
    returnBy: at + returnWindowMs,
    worthCents: null,
    receipt: null,
    problem: null,
  }),
  initial: "AwaitingParcel",
  states: {
    AwaitingParcel: {
      description: "The customer may send the goods back.",
      meta: { waitingFor: "the parcel", until: "returnBy" },
      on: {
        "parcel.arrived": {
          guard: "isCovered",
          target: "PayingBack",
          actions: assign({ worthCents: ({ event }) => event.worthCents }),
        },
        "refund.cancel": "Cancelled",
      },
      after: { returnWindow: "Lapsed" },
    },
    PayingBack: {
      description: "The bank has the order to pay.",
      meta: { waitingFor: "the bank", noDeadline: "it is asked five times, then somebody has to look" },
      invoke: {
        id: "payBack",
        src: "payBack",
        input: ({ context }) => ({ order: context.order, cents: context.worthCents ?? 0 }),
        onDone: { target: "PaidBack", actions: assign({ receipt: ({ event }) => event.output }) },
        onError: {
          target: "BankRefused",
          actions: assign({ problem: ({ event }) => (event.error as { message: string }).message }),
        },
      },
    },
    BankRefused: {
      description: "The bank did not pay; the context says why.",
      meta: { waitingFor: "somebody to talk to the bank", noDeadline: "the money is owed until it is paid" },
      on: { "refund.retry": { target: "PayingBack", actions: assign({ problem: null }) } },
    },
    PaidBack: { type: "final", description: "The customer has the money." },
    Lapsed: { type: "final", description: "The parcel did not come in time." },
    Cancelled: { type: "final", description: "The customer keeps the goods." },
  },
});

export const refund: Machine = {
  name: "refund",
  chart,
  input: input.meta({ examples: [{ order: "4711", paidCents: 2_000 }] }),
  events,
  laws,
  examples: () => [
    { type: "parcel.arrived", worthCents: 1_500 },
    { type: "parcel.arrived", worthCents: 2_001 },
    { type: "refund.cancel" },
    { type: "refund.retry" },
    { type: "xstate.after.returnWindow.refund.AwaitingParcel" },
    { type: "xstate.done.actor.payBack", output: { transfer: "t-1" } },
    { type: "xstate.error.actor.payBack", error: { message: "the account is closed" } },
  ],
  abstract: ({ problem }: Refund) => ({ hasProblem: problem !== null }),
};
