import { z } from "zod";
import { type agentEventTypes, eventSchemas, inputSchema, orderTypes } from "../../machines/host/events.ts";
import type { Client } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import { describeFaults, faultsOf } from "../core/schema-faults.ts";
import { controlPlaneWitness, type Witnesses } from "./witnesses.ts";

/** What an agent asks of its control plane. Errors are the client's. */
export interface ControlPlane {
  /** What this host has to do beyond what is known here; waits for news that long. */
  orders(given: { known: readonly KnownHere[]; waitSeconds: number; signal: AbortSignal }): Promise<Order[]>;
  /** Tells events of the numbered stream of a rollout. Throws `sequence-gap`, and `not-found` for a rollout that it knows nothing of. */
  tell(given: { rolloutId: string; events: readonly NumberedEvent[]; signal: AbortSignal }): Promise<Told>;
}

/** A rollout that has an instance here, the orders that it has taken, and the last number that was acknowledged to it. */
export interface KnownHere {
  readonly rolloutId: string;
  readonly orders: number;
  readonly sent: number;
}

export interface NumberedEvent {
  readonly seq: number;
  readonly event: { readonly type: (typeof agentEventTypes)[number] } & Readonly<Record<string, unknown>>;
}

const outcomes = ["changed", "unchanged", "refused"] as const;
const reasonSchema = z.object({ code: z.string(), detail: z.string() });
const toldSchema = z.object({
  /** The last number of those that were told which is taken. */
  last: z.number().int().nonnegative(),
  outcomes: z.array(
    z.object({ seq: z.number(), outcome: z.enum(outcomes), reasons: z.array(reasonSchema).optional() }),
  ),
  /** Of the control plane's instance. */
  state: z.string(),
});
export type Told = z.output<typeof toldSchema>;

const dispatchSchema = inputSchema.omit({ reportsTo: true });
const version = eventSchemas["dispatch.acknowledged"].shape.observedPrior;
const rolloutId = inputSchema.shape.rolloutId;

const orderSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("dispatch"), dispatch: dispatchSchema, quarantined: z.array(z.string()) }),
  z.object({
    kind: z.literal("recover"),
    dispatch: dispatchSchema,
    acknowledged: z.object({ observedPrior: version, rollbackTo: version }),
    seq: z.number().int().positive(),
    state: z.string(),
  }),
  z.object({
    kind: z.literal("order"),
    rolloutId,
    number: z.number().int().positive(),
    event: z.looseObject({ type: z.enum(orderTypes) }),
  }),
  z.object({ kind: z.literal("replay"), rolloutId, after: z.number().int().nonnegative() }),
]);
export type Order = z.output<typeof orderSchema>;
export type OrderOf<Kind extends Order["kind"]> = Extract<Order, { kind: Kind }>;

const dispatchesSchema = z.object({ items: z.array(orderSchema) });
const answerLateMs = 15_000; // after the time that the server was asked to wait

/** Whatever it answers shows that this host is not cut off. */
export function createControlPlane(given: { client: Client; host: string; witnesses: Witnesses }): ControlPlane {
  const { client, host, witnesses } = given;

  async function heard<Answer>(asked: Promise<Answer>): Promise<Answer> {
    try {
      const answer = await asked;
      witnesses.heard(controlPlaneWitness);
      return answer;
    } catch (error) {
      if (isAnswer(error)) witnesses.heard(controlPlaneWitness);
      throw error;
    }
  }

  return {
    async orders({ known, waitSeconds, signal }) {
      const query = { host, wait: waitSeconds, known: known.map(textOf).join(",") };
      const timeoutMs = waitSeconds * 1_000 + answerLateMs;
      const answer = await heard(client.call("poll-dispatch", { query, timeoutMs, signal }));
      return answer === undefined ? [] : checked(dispatchesSchema, answer).items;
    },

    async tell({ rolloutId, events, signal }) {
      const body = { host, rolloutId, events: [...events] };
      return checked(toldSchema, await heard(client.call("report-events", { body, signal })));
    },
  };
}

/** A refusal of ours is an answer; a proxy in between, or a connection that failed, is none. */
export function isAnswer(error: unknown): error is SignalboxError {
  return isSignalboxError(error) && error.requestId !== undefined;
}

function textOf({ rolloutId, orders, sent }: KnownHere): string {
  return `${rolloutId}:${orders}:${sent}`;
}

function checked<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const detail = `The control plane answered what this agent does not understand: ${describeFaults(faultsOf(parsed.error))}.`;
  throw new SignalboxError("internal-fault", detail);
}
