import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countedStates, type CountedState } from "../../machines/host/states.ts";
import { rolloutStates } from "../../machines/rollout/states.ts";
import { hostsOf } from "../../machines/rollout/waves.ts";
import { failurePolicies } from "../../machines/rollout/policy.ts";
import { runs } from "../support/runs.ts";
import { modelOf, type Model, type ModelHost, type ModelRules } from "./rollout-model.ts";
import { codesOf, rolloutOf, type Rollout } from "./rollout-steps.ts";

const wave = fc.nat(3);
const state = fc.constantFrom(...countedStates);
const anything = fc.oneof(
  fc.record({ type: fc.constant("host.joined"), wave }),
  fc.record({ type: fc.constant("host.changed"), from: state, to: state, wave }),
  fc.record({ type: fc.constant("wave.advanced"), fromWave: wave, toWave: wave }),
  fc.constantFrom(
    { type: "rollout.completed" },
    { type: "rollout.superseded", by: "stable@v3" },
    { type: "rollout.pause" },
    { type: "rollout.resume" },
    { type: "rollout.promote" },
    { type: "rollout.cancel" },
    { type: "operator.cleared", reason: "seen to" },
  ),
  { weight: 1, arbitrary: fc.constant({ type: "retention.expired" }) },
);

const counts = fc.option(fc.array(fc.nat(3), { maxLength: 4 }), { nil: undefined });
const policy = fc.record({
  onHealthFailure: fc.constantFrom(...failurePolicies),
  maxFailures: fc.nat(2),
  minConverged: fc.nat(2),
  excusedMaxPct: fc.constantFrom(0, 10, 50, 100),
});

describe("whatever is sent to a rollout", () => {
  it("it keeps its laws", () => {
    fc.assert(
      fc.property(counts, policy, fc.array(anything, { maxLength: 40 }), (waves, rules, events) => {
        const rollout = rolloutOf({ policy: rules, ...(waves !== undefined && { waves }) });
        for (const event of events) {
          const before = { state: rollout.state, ...rollout.context };
          const { outcome } = rollout.send(event);
          const { context } = rollout;

          expect(rolloutStates).toContain(rollout.state);
          if (before.state === "Pruned") expect(outcome).toBe("refused");
          if (rollout.state === "Terminal") expect(context.terminalAt).not.toBeNull();
          if (rollout.state === "Superseded") expect(context.supersededAt).not.toBeNull();
          expect(context.currentWave).toBeGreaterThanOrEqual(before.currentWave);
          expect(context.waves?.map(hostsOf)).toEqual(waves);
          expect(
            context.waves?.flatMap((counters) => Object.values(counters)).every((count) => count >= 0) ?? true,
          ).toBe(true);
        }
      }),
      { numRuns: runs(400) },
    );
  });

  it("it does not become Terminal before every host has converged, is excused, or is a failure that is borne", () => {
    fc.assert(
      fc.property(
        rulesArbitrary(),
        fc.array(fc.record({ pick: fc.nat(), to: fc.nat() }), { maxLength: 60 }),
        (rules, steps) => {
          const rollout = rolloutFor(rules);
          for (const { pick, to } of steps) {
            moveSomebody(rollout, pick, to);
            if (rollout.state !== "Terminal") continue;
            for (const { Converged, Excused, Failed, Reverted, joined: _joined, ...rest } of rollout.context.waves ??
              []) {
              expect(Object.values(rest).every((count) => count === 0)).toBe(true);
              expect(Failed + Reverted).toBeLessThanOrEqual(rules.maxFailures);
              expect(Converged).toBeGreaterThanOrEqual(
                Math.min(rules.minConverged, hostsOfWave(rest) + Converged + Failed + Reverted),
              );
              expect(Excused).toBeGreaterThanOrEqual(0);
            }
            return;
          }
        },
      ),
      { numRuns: runs(250) },
    );
  });

  it("it has counted the same as somebody who asks every host anew", () => {
    fc.assert(
      fc.property(rulesArbitrary(), fc.array(command, { maxLength: 80 }), (rules, commands) => {
        const rollout = rolloutFor(rules);
        const model = modelOf(rules);
        for (const [index, each] of commands.entries()) {
          perform(each, rollout, model);

          const seen = `after ${JSON.stringify(commands.slice(0, index + 1))}`;
          expect([rollout.state, rollout.context.currentWave, rollout.control === "Paused"], seen).toEqual([
            model.state,
            model.currentWave,
            model.isPaused,
          ]);
          expect(
            rollout.context.waves?.map((counters) => tally(counters)),
            seen,
          ).toEqual(rules.hosts.map((_, number) => tallyOf(model, number)));
        }
      }),
      { numRuns: runs(800) },
    );
  });

  it("it is never stuck without a reason: what is open and hears nothing says what it waits for", () => {
    fc.assert(
      fc.property(rulesArbitrary(), fc.array(command, { maxLength: 60 }), (rules, commands) => {
        const rollout = rolloutFor(rules);
        const model = modelOf(rules);
        for (const each of commands) perform(each, rollout, model);

        const isOpen = ["Opening", "Active", "Converging"].includes(rollout.state);
        if (isOpen) expect(rollout.notes().length).toBeGreaterThan(0);
        const settledButWaiting = rollout.state === "Active" && hostsUnderWay(model) === 0;
        if (!settledButWaiting) return;
        const said = rollout.notes().join("; ");
        expect(said).toMatch(/is paused by|waiting for a reboot|no host is left that could|released without/);
      }),
      { numRuns: runs(250) },
    );
  });

  it("a rollout that ends hears nothing from people, and says that it is over", () => {
    fc.assert(
      fc.property(rulesArbitrary(), fc.array(command, { maxLength: 60 }), (rules, commands) => {
        const rollout = rolloutFor(rules);
        const model = modelOf(rules);
        for (const each of commands) perform(each, rollout, model);
        if (rollout.state !== "Terminal" && rollout.state !== "Superseded") return;

        for (const type of ["rollout.pause", "rollout.promote", "rollout.cancel", "wave.approve"]) {
          expect(codesOf(rollout.send({ type }))).toEqual(["over"]);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

type Command =
  | { kind: "host"; pick: number; to: CountedState }
  | { kind: "advance"; fromWave: number; toWave: number }
  | { kind: "onward" | "finish" | "complete" | "pause" | "resume" | "supersede" | "expire" };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant("host" as const),
      pick: fc.nat(),
      to: fc.oneof(
        fc.constant("Converged" as const),
        fc.constantFrom("Failed" as const, "Reverted" as const, "Excused" as const),
        state,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("advance" as const), fromWave: wave, toWave: wave }) },
  { weight: 6, arbitrary: fc.constantFrom({ kind: "onward" as const }, { kind: "finish" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("complete" as const, "pause" as const, "resume" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("supersede" as const, "expire" as const) }) },
);

function perform(given: Command, rollout: Rollout, model: Model): void {
  switch (given.kind) {
    case "host": {
      const host = model.hosts[given.pick % Math.max(1, model.hosts.length)];
      if (host !== undefined) moveHost(host, given.to, rollout, model);
      return;
    }
    case "finish": {
      const left = model.hosts.filter((host) => host.wave === model.currentWave && host.state === "Pending");
      for (const host of left) moveHost(host, "Converged", rollout, model);
      return;
    }
    case "advance":
      rollout.advance(given.fromWave, given.toWave);
      return model.advance(given.fromWave, given.toWave);
    case "onward": {
      const from = rollout.context.currentWave;
      rollout.advance(from, from + 1);
      return model.advance(from, from + 1);
    }
    case "complete":
      rollout.send({ type: "rollout.completed" });
      return model.complete();
    case "pause":
      rollout.send({ type: "rollout.pause" });
      return model.pause();
    case "resume":
      rollout.send({ type: "rollout.resume" });
      return model.resume();
    case "supersede":
      rollout.send({ type: "rollout.superseded", by: "stable@v3" });
      return model.supersede();
    case "expire":
      rollout.send({ type: "retention.expired" });
      return model.expire();
    default:
      given satisfies never;
  }
}

function moveHost(host: ModelHost, to: CountedState, rollout: Rollout, model: Model): void {
  const { state: from } = host;
  if (rollout.state === "Opening") {
    rollout.join(host.wave);
    model.join();
  }
  rollout.send({ type: "host.changed", from, to, wave: host.wave });
  model.move(host, to);
}

function rulesArbitrary(): fc.Arbitrary<ModelRules> {
  return fc.record({
    hosts: fc.array(fc.nat(3), { maxLength: 4 }),
    maxFailures: fc.nat(2),
    minConverged: fc.nat(2),
    excusedMaxPct: fc.constantFrom(0, 10, 50, 100),
    policy: fc.constantFrom(...failurePolicies),
  });
}

function rolloutFor({ hosts, policy: onHealthFailure, ...rest }: ModelRules): Rollout {
  return rolloutOf({ waves: [...hosts], policy: { onHealthFailure, ...rest } });
}

/** One host that is counted somewhere goes somewhere else. */
function moveSomebody(rollout: Rollout, pick: number, to: number): void {
  const places = (rollout.context.waves ?? []).flatMap((counters, number) =>
    countedStates.filter((each) => counters[each] > 0).map((from) => ({ from, wave: number })),
  );
  const place = places[pick % Math.max(1, places.length)];
  if (place === undefined) return;
  if (rollout.state === "Opening") rollout.join(place.wave);
  const target = to % 3 === 0 ? countedStates[to % countedStates.length] : "Converged";
  rollout.send({ type: "host.changed", ...place, to: target });
  rollout.advance(rollout.context.currentWave, rollout.context.currentWave + 1);
}

function hostsOfWave(counters: Readonly<Record<string, number>>): number {
  return Object.values(counters).reduce((sum, count) => sum + count, 0);
}

function tally({ joined: _joined, ...counters }: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));
}

function tallyOf({ hosts }: Model, number: number) {
  const found: Record<string, number> = {};
  for (const host of hosts) if (host.wave === number) found[host.state] = (found[host.state] ?? 0) + 1;
  return found;
}

function hostsUnderWay({ hosts }: Model): number {
  return hosts.filter((host) => ["Pending", "Activating", "Soaking"].includes(host.state)).length;
}
