import { setup } from "xstate";
import { z } from "zod";
import { sentBy, type EventsOf, type ExampleEvent, type Machine } from "../../src/core/machine.ts";

const inputSchema = z
  .strictObject({
    kind: z.enum(["plan", "fleet"]),
    /** What the content is known by. */
    hash: z.string().min(1).max(200),
    /** JSON. */
    content: z.unknown().refine((content) => content !== undefined, "expected a JSON value"),
  })
  .meta({ examples: [{ kind: "plan", hash: "5f2b", content: { waves: [] } }] });

const eventSchemas = { "document.dropped": sentBy("engine", {}) } as const;

interface DocumentContext {
  kind: "plan" | "fleet";
  hash: string;
}

/**
 * A document that never changes: a frozen plan, a declaration of the fleet. Its content stays in the instance's input and
 * out of the context, so that it is written once and read when it is wanted.
 */
const chart = setup({
  types: {
    context: {} as DocumentContext,
    events: {} as EventsOf<typeof eventSchemas>,
    input: {} as z.output<typeof inputSchema> & { at: number },
  },
}).createMachine({
  id: "document",
  description: "A document that never changes.",
  options: { maxIterations: 50 },
  context: ({ input }) => ({ kind: input.kind, hash: input.hash }),
  initial: "Kept",
  states: {
    Kept: {
      description: "Its content can be read in the instance's input.",
      tags: ["steady"],
      meta: { waitingFor: "its owner to be pruned", noDeadline: "it is kept as long as that is" },
      on: { "document.dropped": { target: "Dropped" } },
    },
    Dropped: { type: "final", description: "Nothing refers to it any more." },
  },
});

const charactersMax = 16_777_216; // a plan over 100,000 hosts is near 5 million characters

export const document: Machine = {
  name: "document",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws: {},
  examples,
  abstract: () => null,
  inputCharactersMax: charactersMax,
};

function examples(): ExampleEvent[] {
  return [{ type: "document.dropped", at: 1_000_000, principal: "engine" }];
}
