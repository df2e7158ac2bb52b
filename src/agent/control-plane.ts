import type { z } from "zod";
import type { Client } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import { describeFaults, readBy } from "../core/schema-faults.ts";
import {
  agentAnswers,
  agentOrders,
  knownText,
  type AgentAnswersView,
  type AgentOrderView,
  type KnownRollout,
  type NumberedEvent,
} from "../operations/agent-schemas.ts";
import { controlPlaneWitness, type Witnesses } from "./witnesses.ts";

/** What an agent asks of its control plane. Errors are the client's. */
export interface ControlPlane {
  /** What this host has to do beyond what is known here; waits for news that long. */
  orders(given: { known: readonly KnownRollout[]; waitSeconds: number; signal: AbortSignal }): Promise<Order[]>;
  /** Tells events of the numbered stream of a rollout. Throws `sequence-gap`, and `not-found` for a rollout that it knows nothing of. */
  tell(given: {
    rolloutId: string;
    /** The ids of those that it has taken. */
    orders: readonly string[];
    events: readonly NumberedEvent[];
    signal: AbortSignal;
  }): Promise<AgentAnswersView>;
}

export type Order = AgentOrderView;
export type OrderOf<Kind extends Order["kind"]> = Extract<Order, { kind: Kind }>;

const answerLateMs = 15_000; // after the time that the server was asked to wait

/** Whatever it answers shows that this host is not cut off. */
export function createControlPlane(given: {
  client: Client;
  host: string;
  /** Which agent of that host this is. */
  agent: string;
  witnesses: Witnesses;
}): ControlPlane {
  const { client, host, agent, witnesses } = given;

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
      const query = { host, agent, wait: waitSeconds, known: knownText(known) };
      const timeoutMs = waitSeconds * 1_000 + answerLateMs;
      const answer = await heard(client.call("poll-dispatch", { query, timeoutMs, signal }));
      return answer === undefined ? [] : checked(agentOrders, answer).items;
    },

    async tell({ rolloutId, orders, events, signal }) {
      const body = { host, agent, rolloutId, orders: [...orders], events: [...events] };
      return checked(agentAnswers, await heard(client.call("report-events", { body, signal })));
    },
  };
}

/** A refusal of ours is an answer; a proxy in between, or a connection that failed, is none. */
export function isAnswer(error: unknown): error is SignalboxError {
  return isSignalboxError(error) && error.requestId !== undefined;
}

/** The number that is to come next in a stream; undefined when that is not what was wrong. */
export function expectedNumber(error: unknown): number | undefined {
  if (!isSignalboxError(error, "sequence-gap")) return undefined;
  const { expected } = error.details.extra ?? {};
  return typeof expected === "number" ? expected : undefined;
}

function checked<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { fits, data, faults } = readBy(schema, answer);
  if (fits) return data;
  const detail = `The control plane answered what this agent does not understand: ${describeFaults(faults)}.`;
  throw new SignalboxError("internal-fault", detail);
}
