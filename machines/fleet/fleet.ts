import { assign, setup } from "xstate";
import { z } from "zod";
import { guardsOf, type Refusal } from "../../src/core/law.ts";
import { sentBy, type EventsOf, type ExampleEvent, type Machine } from "../../src/core/machine.ts";

const hash = z.string().min(1).max(200);
const inputSchema = z.strictObject({}).meta({ examples: [{}] });

const eventSchemas = {
  "fleet.applied": sentBy("engine", {
    hash,
    /** The declaration that it was compared with; refused when another one holds by now. */
    over: hash.nullable().optional(),
  }),
} as const;

type FleetEvent = EventsOf<typeof eventSchemas>;

export interface FleetContext {
  /** Of the declaration that holds; its content is the document `fleet/{hash}`. */
  hash: string | null;
  previousHash: string | null;
  appliedAt: number | null;
  appliedBy: string | null;
  /** How often a declaration was applied. */
  applications: number;
}

const laws = {
  holdsAlready({ hash: held }: FleetContext, event: FleetEvent): Refusal | undefined {
    const changed = laws.isComparedWithThis({ hash: held }, event);
    if (changed !== undefined || event.hash === held) return changed;
    return { code: "other-declaration", detail: `The declaration that holds is ${held}.` };
  },
  isComparedWithThis({ hash: held }: Pick<FleetContext, "hash">, { over }: FleetEvent): Refusal | undefined {
    if (over === undefined || over === held) return undefined;
    return {
      code: "changed-meanwhile",
      detail: `The declaration was compared with ${over ?? "none"}, and ${held ?? "none"} holds by now.`,
      data: { over, hash: held },
      hint: "compare and apply it again",
    };
  },
};

/** Which declaration of the fleet holds. One per installation; the declarations themselves are documents. */
const chart = setup({
  types: {
    context: {} as FleetContext,
    events: {} as FleetEvent,
    input: {} as z.output<typeof inputSchema> & { at: number },
  },
  guards: guardsOf(laws),
  actions: {
    keep: assign(({ context, event }) => ({
      hash: event.hash,
      previousHash: context.hash,
      appliedAt: event.at,
      appliedBy: event.principal ?? null,
      applications: context.applications + 1,
    })),
  },
}).createMachine({
  id: "fleet",
  description: "Which declaration of the fleet holds.",
  options: { maxIterations: 50 },
  context: { hash: null, previousHash: null, appliedAt: null, appliedBy: null, applications: 0 },
  initial: "Undeclared",
  states: {
    Undeclared: {
      description: "Nobody has declared a fleet yet.",
      tags: ["steady"],
      meta: { waitingFor: "somebody to apply a declaration", noDeadline: "a fleet may stay undeclared" },
      on: { "fleet.applied": { guard: "isComparedWithThis", target: "Declared", actions: "keep" } },
    },
    Declared: {
      description: "A declaration holds.",
      tags: ["steady"],
      meta: { waitingFor: "somebody to apply another declaration", noDeadline: "this is the normal state" },
      on: {
        "fleet.applied": [
          { guard: "holdsAlready", description: "It is the declaration that holds." },
          { guard: "isComparedWithThis", actions: "keep" },
        ],
      },
    },
  },
});

export const fleet: Machine = {
  name: "fleet",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract: ({ hash: held, previousHash }: FleetContext) => ({ held, hasPrevious: previousHash !== null }),
};

function examples(): ExampleEvent[] {
  const events: ExampleEvent[] = [
    { type: "fleet.applied", hash: "5f2b" },
    { type: "fleet.applied", hash: "9c01", over: "5f2b" },
  ];
  return events.map((event) => ({ at: 1_000_000, principal: "ann", ...event }));
}
