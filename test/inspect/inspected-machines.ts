import { assign, setup } from "xstate";
import { z } from "zod";
import { sentBy, type Machine } from "../../src/core/machine.ts";

const options = { maxIterations: 20 };
const plain = { input: z.strictObject({}), laws: {}, examples: () => [], abstract: () => null };

/** Takes one event whose fields are of every kind that a form has to know. */
export const survey: Machine = {
  ...plain,
  name: "survey",
  events: {
    arrived: sentBy("agent", {}),
    answer: sentBy("person", {
      name: z.string().min(1).max(40),
      remark: z.string().max(1_000).optional(),
      count: z.number().int().min(0).max(10),
      share: z.number().optional(),
      isSure: z.boolean(),
      colour: z.enum(["red", "green"]),
      agreed: z.literal(true).optional(),
      tags: z.array(z.string().min(1)).optional(),
      address: z.strictObject({ street: z.string(), floor: z.number().int().optional() }),
      owner: z.strictObject({ team: z.string() }).optional(),
      limits: z.record(z.string(), z.number()).optional(),
      budget: z.union([z.number().int(), z.string().regex(/%$/)]).optional(),
      extra: z.unknown().optional(),
    }),
    withdraw: sentBy("person", {}),
    elapsed: sentBy("engine", {}),
  },
  chart: setup({
    types: { context: {} as { answer: unknown }, events: {} as { type: string; at: number } },
  }).createMachine({
    id: "survey",
    options,
    context: { answer: null },
    initial: "Open",
    states: {
      Open: {
        description: "Somebody is asked.",
        meta: { waitingFor: "an answer", noDeadline: "a person takes the time it takes" },
        on: {
          answer: { target: "Answered", actions: assign({ answer: ({ event }) => ({ ...event, at: 0 }) }) },
        },
      },
      Answered: { type: "final" },
    },
  }),
};

/** Has a timer from its first moment. */
export const fuse: Machine = {
  ...plain,
  name: "fuse",
  events: { touch: sentBy("person", {}) },
  chart: setup({ types: { events: {} as { type: "touch" } } }).createMachine({
    id: "fuse",
    options,
    initial: "Burning",
    states: {
      Burning: { meta: { waitingFor: "the end" }, on: { touch: {} }, after: { 100: "Burnt" } },
      Burnt: { type: "final" },
    },
  }),
};

export const hostileName = `<img src=x onerror="hurt=1">"'&\u202Eevil\u2066`;

/** Everything that it is called by tries to be markup. */
export const hostile: Machine = {
  ...plain,
  name: hostileName,
  events: {
    [hostileName]: sentBy("person", { [hostileName]: z.string().optional() }),
    refused: sentBy("person", {}),
  },
  laws: {
    [hostileName]: () => ({
      code: hostileName,
      detail: hostileName,
      hint: hostileName,
      data: { [hostileName]: hostileName },
    }),
  },
  chart: setup({
    guards: { [hostileName]: () => false },
  }).createMachine({
    id: hostileName,
    description: hostileName,
    options,
    context: {
      [hostileName]: hostileName,
      long: "x".repeat(10_000),
      deep: { [hostileName]: ["</script>", hostileName] },
    },
    initial: hostileName,
    states: {
      [hostileName]: {
        description: hostileName,
        tags: ["attention", hostileName],
        meta: { waitingFor: hostileName, noDeadline: "never" },
        on: {
          [hostileName]: { actions: assign({ last: ({ event }) => event as unknown }) },
          refused: { guard: hostileName, target: hostileName },
        },
      },
    },
  } as never) as unknown as Machine["chart"], // a guard of such a name has no type
};
