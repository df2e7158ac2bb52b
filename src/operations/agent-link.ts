import { z } from "zod";
import { hostIdOf, hostPattern } from "../../machines/rollout/rollout-id.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import { parseEvent } from "../engine/catalogue.ts";
import type { Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import { agentStream } from "../fleet/facts.ts";
import {
  agentAnswers,
  agentName,
  agentOrders,
  numberedEvent,
  orderId,
  parseKnown,
  type KnownRollout,
  type NumberedEvent,
} from "./agent-schemas.ts";
import { fleetOf } from "./fleet-of.ts";
import { operation, type Caller } from "./operation.ts";
import { checkSender, hostOfAgent } from "./permission.ts";
import { orderBody } from "./rollout-wire.ts";

const eventsMax = 200; // of one request: about 50 kB, and one commit
const ordersMax = 20; // of one rollout: a host is given three, and each lost database may have given others
const knownMax = 100; // rollouts that an agent has records of: it forgets those that are over

const hostName = z
  .string()
  .regex(hostPattern, "expected the name of a host")
  .optional()
  .meta({ description: "The host; an agent's token says it already." });

const knownQuery = z
  .string()
  .max(8_000)
  .transform((text, context): KnownRollout[] => {
    const known = parseKnown(text);
    if (known !== undefined && known.length <= knownMax) return known;
    context.addIssue({
      code: "custom",
      message: `expected at most ${knownMax} of rollout:orders:sent, the orders by their ids`,
    });
    return z.NEVER;
  })
  .optional()
  .meta({
    description:
      "The rollouts that the agent has records of, each as `rollout:orders:sent`: the ids of the orders that it has taken, with dots between them, and the last number that was acknowledged to it. Separated by commas.",
  });

export const pollDispatch = operation({
  name: "poll-dispatch",
  summary: "What a host has to do; waits until there is something.",
  method: "GET",
  path: "/v1/agent/dispatch",
  query: z.strictObject({
    wait: z.coerce
      .number()
      .int()
      .min(0)
      .max(60)
      .optional()
      .meta({ description: "Seconds to wait for something to do; 60 when not given." }),
    host: hostName,
    agent: agentName,
    known: knownQuery,
  }),
  permission: "agent",
  answers: {
    200: { description: "What there is to do, in order.", schema: agentOrders },
    204: { description: "Nothing has come up.", isEmpty: true },
  },
  errors: ["not-found", "host-taken"],
  example: {
    query: { wait: 30, host: "web-1", agent: "9f86d081884c7d65.12r5e3c01b7", known: "stable@v40:mhx2k9s0s:4" },
  },
  isChange: false,
  waits: true,
  async run({ query: { wait = 60, host: named, agent, known = [] } }, caller, workplace) {
    const host = hostOf(caller, named);
    const fleet = fleetOf(workplace);
    fleet.admit(host, agent);
    fleet.seen(host, agent);
    const items = await workplace.polls.wait({
      host,
      waitMs: wait * 1_000,
      ...(caller.gone && { gone: caller.gone }),
      changed: (signal) => fleet.changed(host, signal),
      async look() {
        const orders = await fleet.ordersFor(host, known);
        return orders.length > 0 ? orders : undefined;
      },
    });
    return items === undefined ? { status: 204, body: null } : { status: 200, body: { items: items.map(orderBody) } };
  },
});

export const reportEvents = operation({
  name: "report-events",
  summary: "What happened on a host, numbered from 1 for each rollout; a number is taken once.",
  method: "POST",
  path: "/v1/agent/events",
  body: z.strictObject({
    host: hostName,
    agent: agentName,
    rolloutId: z.string().min(1).max(250).meta({ description: "The rollout that the events are about." }),
    orders: z
      .array(orderId)
      .max(ordersMax)
      .default([])
      .meta({ description: "The orders that it has taken: some may be of a database that is lost." }),
    events: z.array(numberedEvent).min(1).max(eventsMax).meta({ description: "In order, without a gap between them." }),
  }),
  permission: "agent",
  answers: { 200: { description: "What was taken is committed.", schema: agentAnswers } },
  errors: ["not-found", "host-taken", "sequence-gap", "needs-migration", "machine-fault", "insufficient-storage"],
  example: {
    body: {
      rolloutId: "stable@v41",
      host: "web-1",
      agent: "9f86d081884c7d65.12r5e3c01b7",
      events: [
        { seq: 2, event: { type: "activation.started" } },
        { seq: 3, event: { type: "activation.completed", observedVersion: "v41" } },
      ],
    },
  },
  isChange: false, // its numbers are what a key would be
  async run({ body: { host: named, agent, rolloutId, orders, events } }, caller, workplace) {
    const host = hostOf(caller, named);
    const fleet = fleetOf(workplace);
    fleet.admit(host, agent);
    const { engine } = workplace;
    const id = hostIdOf(rolloutId, host);
    checkSequence(events);
    await checkIsHost(engine, id, { rolloutId, host });
    for (const [index, { event }] of events.entries()) checkEvent(engine, caller, { id, event, index });
    if (orders.length > 0) await fleet.tookOrders(host, { rolloutId, orders });
    const taken = await tell(engine, caller, { id, events });
    fleet.seen(host, agent); // not before: a request that is refused changes nothing
    const last = taken.at(-1) as Taken; // if the first one failed, that was thrown
    const outcomes = taken.map(({ seq, sent: { outcome, reasons } }) => ({
      seq,
      outcome,
      ...(reasons && { reasons }),
    }));
    return { status: 200, body: { last: last.seq, outcomes, state: last.sent.instance.state } };
  },
});

/** The host that an agent speaks for. Throws `forbidden` for another one's, and `invalid-request` when nobody says which. */
function hostOf({ principal, role }: Caller, named: string | undefined): string {
  const own = hostOfAgent(role);
  if (own !== undefined && named !== undefined && named !== own) {
    throw new SignalboxError("forbidden", `${principal} is the agent of ${own}, and not of ${named}.`);
  }
  const host = own ?? named;
  if (host !== undefined) return host;
  throw new SignalboxError("invalid-request", "Say for which host: its name is not in who asks.", {
    errors: [{ pointer: "/host", detail: "expected the name of a host" }],
  });
}

function checkSequence(events: readonly NumberedEvent[]): void {
  const [{ seq: first } = { seq: 0 }] = events;
  const index = events.findIndex(({ seq }, place) => seq !== first + place);
  if (index < 0) return;
  throw new SignalboxError("invalid-request", "The events of one request are numbered in order, without a gap.", {
    errors: [{ pointer: `/events/${index}/seq`, detail: `expected ${first + index}` }],
  });
}

async function checkIsHost(engine: Engine, id: string, of: { rolloutId: string; host: string }): Promise<void> {
  if ((await ifThere(engine.machineOf(id))) === "host") return;
  throw new SignalboxError("not-found", `${of.host} has no dispatch in ${of.rolloutId}.`);
}

/** All are checked before the first is sent: a fault of the request changes nothing. */
function checkEvent(
  engine: Engine,
  caller: Caller,
  { id, event, index }: { id: string; event: NumberedEvent["event"]; index: number },
): void {
  try {
    const machine = engine.catalogue.machine("host");
    checkSender(caller, { id, machine, type: event.type });
    parseEvent(machine, event);
  } catch (error) {
    if (!isSignalboxError(error)) throw error;
    const { code, detail, details } = error;
    const errors = details.errors?.map((each) => ({ ...each, pointer: `/events/${index}/event${each.pointer}` }));
    throw new SignalboxError(code, detail, { ...details, ...(errors && { errors }) });
  }
}

interface Taken {
  seq: number;
  sent: Sent;
}

/**
 * Sends all at once, so that they share a commit; the engine keeps their order. What comes after one that was not taken was
 * not taken either: the numbers see to it. Throws what the first one failed with; a later failure is told by where it ends.
 */
async function tell(
  engine: Engine,
  { principal, trace }: Caller,
  { id, events }: { id: string; events: readonly NumberedEvent[] },
): Promise<Taken[]> {
  const sending = events.map(({ seq, event }) =>
    engine.send(id, event, {
      principal,
      stream: { name: agentStream, seq },
      ...(trace !== undefined && { trace }),
    }),
  );
  const settled = await Promise.allSettled(sending);
  const [first] = settled;
  if (first?.status === "rejected") throw first.reason as Error;
  const failed = settled.findIndex(({ status }) => status === "rejected");
  return settled.slice(0, failed < 0 ? settled.length : failed).flatMap((each, index) => {
    const { seq } = events[index] as NumberedEvent;
    return each.status === "fulfilled" ? [{ seq, sent: each.value }] : [];
  });
}
