import { z } from "zod";
import { agentEventTypes, eventSchemas, inputSchema, orderTypes } from "../../machines/host/events.ts";
import { parseRolloutId } from "../../machines/rollout/rollout-id.ts";
import type { KnownRollout } from "../fleet/control-plane.ts";
import { refusal } from "./answer-schemas.ts";

/**
 * What agents and their control plane say to each other, as it is on the wire; both sides check by it. What is answered may
 * have fields that an older agent does not know: it passes over them.
 */

const count = z.int().nonnegative();
const version = eventSchemas["dispatch.acknowledged"].shape.observedPrior;
const rolloutId = inputSchema.shape.rolloutId.meta({ description: "Of a rollout." });
export const agentName = z
  .string()
  .regex(
    /^[0-9a-z]{1,40}\.\d{1,15}(?:[a-z][0-9a-z]{0,24})?$/,
    "expected what an agent calls itself, such as 9f86d081884c7d65.12r5e3c01b7: its directory, a dot, and its start, which begins with a count",
  )
  .meta({
    description:
      "Which agent it is: one word for its directory, a dot, and one for this start, which begins with a count and goes on with letters of its own. Of two that have the name of one host, one is refused.",
  });
/** What an order of a host is known by; a number alone is none: an agent that counted its orders would seem to tell of one. */
export const orderId = z
  .string()
  .regex(/^[0-9a-z]{1,19}[a-z]$/, "expected the id of an order, such as mhx2k9s0s")
  .meta({ description: "Of an order; no other order has the same one." });
const dispatch = z
  .object(inputSchema.omit({ reportsTo: true }).shape)
  .meta({ id: "HostDispatch", description: "What a host is to run, and by which rules." });

const agentOrder = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("dispatch"),
      dispatch,
      quarantined: z.array(z.string()).meta({ description: "Versions that must not be gone back to." }),
    }),
    z.object({
      kind: z.literal("recover"),
      dispatch,
      acknowledged: z.object({ observedPrior: version, rollbackTo: version }),
      seq: z.int().positive().meta({ description: "Numbers of its stream that are taken." }),
      state: z.string(),
    }),
    z.object({
      kind: z.literal("order"),
      rolloutId,
      id: orderId,
      event: z.looseObject({ type: z.enum(orderTypes) }),
    }),
    z.object({
      kind: z.literal("replay"),
      rolloutId,
      after: count.meta({ description: "Tell again what comes after this number." }),
    }),
  ])
  .meta({ id: "AgentOrder", description: "Something that an agent has to do." });

export const agentOrders = z.object({ items: z.array(agentOrder) }).meta({ id: "AgentOrders" });

/** An event as an agent numbers it. */
export const numberedEvent = z.strictObject({
  seq: z.int().positive().meta({ description: "1, 2, 3 and so on." }),
  event: z.looseObject({ type: z.enum(agentEventTypes) }).meta({ description: "As the statechart of a host has it." }),
});

export const agentAnswers = z
  .object({
    last: z.int().positive().meta({ description: "All up to this number are committed; go on after it." }),
    outcomes: z.array(
      z.object({
        seq: z.int().positive(),
        outcome: z.enum(["changed", "unchanged", "refused"]),
        reasons: z.array(refusal).optional(),
      }),
    ),
    state: z.string().meta({ description: "Where the host is now." }),
  })
  .meta({ id: "AgentAnswers", description: "What became of what an agent told." });

export type { KnownRollout };
export type AgentOrderView = z.output<typeof agentOrder>;
export type NumberedEvent = z.output<typeof numberedEvent>;
export type AgentAnswersView = z.output<typeof agentAnswers>;

/** `stable@v41:mhx2k9s0s.mhx2k9t4h:17,stable@v40::4` */
export function knownText(known: readonly KnownRollout[]): string {
  return known.map(({ rolloutId, orders, sent }) => `${rolloutId}:${orders.join(".")}:${sent}`).join(",");
}

/** Undefined where it is no such text. */
export function parseKnown(text: string): KnownRollout[] | undefined {
  const known = text === "" ? [] : text.split(",").map(knownRollout);
  return known.every((each) => each !== undefined) ? known : undefined;
}

function knownRollout(text: string): KnownRollout | undefined {
  const [, id = "", orders = "", sent] = /^([^:]+):([^:]*):(\d{1,15})$/.exec(text) ?? [];
  const ids = orders === "" ? [] : orders.split(".");
  if (parseRolloutId(id) === undefined || !ids.every((each) => orderId.safeParse(each).success)) return undefined;
  return { rolloutId: id, orders: ids, sent: Number(sent) };
}
