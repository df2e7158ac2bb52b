import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyEventObject } from "xstate";
import type { HostContext } from "../../machines/host/context.ts";
import { acknowledged, contextOf, day, hostOf, minute } from "./host-in-rollout.ts";
import { forEach, noticed, ordered, policy, sendings, soakMs, told, waitMs } from "./host-sequences.ts";
import type { Timeline } from "./timeline.ts";

describe("the instance of the agent and its mirror in the control plane", () => {
  it("come to the same state and the same context by the same events, but for who is told", () => {
    fc.assert(
      fc.property(soakMs, policy, sendings, (soakMs, policy, all) => {
        const agent = hostOf({ soakMs, policy, reportsTo: null });
        const mirror = hostOf({ soakMs, policy });
        forEach(agent, all, () => undefined);
        forEach(mirror, all, () => undefined);

        expect(agent.said.filter(({ kind }) => kind === "message")).toEqual([]);
        expect(mirror.value).toEqual(agent.value);
        expect({ ...contextOf(mirror), reportsTo: null }).toEqual(contextOf(agent));
      }),
      { numRuns: 200 },
    );
  });

  it("come to the same end when what the one tells and the other orders meets on the way, however late it arrives", () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(soakMs, policy, aheadMs, exchanges, (soakMs, policy, aheadMs, turns) => {
        const { agent, mirror } = exchanged({ soakMs, policy, aheadMs, turns });
        ends.set(agent.state, (ends.get(agent.state) ?? 0) + 1);

        const isStillToBeReleased = contextOf(agent).releaseAskedBy !== null || agent.state === "Reverted";
        if (mirror.state === "Released") expect(agent.state === "Released" || isStillToBeReleased).toBe(true);
        else expect(mirror.state).toBe(agent.state);
        if (mirror.state === "Failed") expect(mirror.value).toEqual(agent.value);
        if (mirror.state !== "Released") expect(shared(mirror)).toEqual(shared(agent));
      }),
      { numRuns: 1_000, seed: 11 },
    );
    expect([...ends.keys()].toSorted()).toEqual([
      "Activating",
      "Converged",
      "Deferred",
      "Failed",
      "Released",
      "Reverted",
      "Soaking",
    ]);
  });
});

/** One turn: something happens on the host, is ordered, or is noticed; or the post is carried the one way or the other. */
const exchange = fc.record({
  turn: fc.oneof(
    { weight: 5, arbitrary: told.map((event) => ({ at: "host" as const, event })) },
    { weight: 1, arbitrary: ordered.map((event) => ({ at: "control plane" as const, event })) },
    { weight: 1, arbitrary: noticed.map((event) => ({ at: "control plane" as const, event })) },
    { weight: 3, arbitrary: fc.constantFrom({ at: "stream" as const }, { at: "orders" as const }) },
  ),
  waitMs,
});

const exchanges = fc.array(exchange, { maxLength: 60 });
/** How far the agent's clock is ahead. */
const aheadMs = fc.constantFrom(0, 4 * minute, day, -day);

/** The agent tells in order what its chart accepted, the control plane orders in order what its chart accepted; both are late. */
function exchanged({ soakMs, policy, aheadMs, turns }: ExchangeGiven): { agent: Timeline; mirror: Timeline } {
  const agent = hostOf({ soakMs, policy, reportsTo: null, startsAt: 100_000_000 + aheadMs });
  const mirror = hostOf({ soakMs, policy, startsAt: 100_000_000 });
  const stream: AnyEventObject[] = [];
  const orders: AnyEventObject[] = [];

  const carry = {
    stream: () => stream.splice(0, 1).forEach((event) => mirror.send(event)),
    orders: () => orders.splice(0, 1).forEach((event) => agent.send(event)),
  };
  mirror.send({ ...acknowledged(), observedAt: agent.now });
  agent.send(acknowledged());
  for (const { turn, waitMs } of turns) {
    agent.pass(waitMs);
    mirror.pass(waitMs);
    if (turn.at === "stream" || turn.at === "orders") carry[turn.at]();
    else if (turn.at === "host") {
      const event = { ...turn.event, observedAt: agent.now };
      if (agent.send(event).outcome !== "refused") stream.push(event);
    } else {
      const before = contextOf(mirror).orders.length;
      mirror.send(turn.event);
      if (contextOf(mirror).orders.length > before) orders.push(turn.event);
    }
  }
  while (stream.length > 0) carry.stream();
  while (orders.length > 0) carry.orders();
  return { agent, mirror };
}

interface ExchangeGiven {
  soakMs: number;
  policy: Partial<HostContext["policy"]>;
  aheadMs: number;
  turns: readonly (typeof exchange extends fc.Arbitrary<infer One> ? One : never)[];
}

/** What both have to know alike, by the agent's clock: not what only one of them is concerned with, nor when it heard of an order. */
function shared(web: Timeline) {
  const { observedPrior, observedVersion, rollbackTo, revertedTo, probes, convergedAt, completedAt } = contextOf(web);
  const { failure, rollbackError, soakDueAt, startedAt, clockAheadMs, orders } = contextOf(web);
  const byItsClock = (time: number | null) => (time === null ? null : time + clockAheadMs);
  return {
    versions: { observedPrior, observedVersion, rollbackTo, revertedTo },
    times: [startedAt, completedAt, soakDueAt, convergedAt].map(byItsClock),
    probes: Object.entries(probes).map(([name, { failingSince, reportedAt, ...seen }]) => ({
      name,
      seen,
      times: [failingSince, reportedAt].map(byItsClock),
    })),
    failure: failure && { kind: failure.kind, reason: failure.reason },
    rollbackError,
    orders: orders.map(({ event }) => event),
  };
}
