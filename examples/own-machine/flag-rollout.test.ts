/* oxlint-disable typescript/no-floating-promises -- node:test waits for its tests itself */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { step, unfitnessOf } from "signalbox";
import { flagRollout as machine } from "./flag-rollout.ts";
import { pathsOf, situationsOf } from "./walk.ts";

const inputs = machine.input.meta()?.["examples"] as readonly unknown[];
const situations = inputs.flatMap((input) => situationsOf(machine, input));
const answers = situations.flatMap(({ snapshot, answers: given }) => given.map((answer) => ({ snapshot, ...answer })));

describe("a flag's rollout", () => {
  it("uses nothing that a durable host cannot carry", () => {
    assert.deepEqual(unfitnessOf(machine), []);
  });

  it("comes everywhere by these paths, and nowhere else", () => {
    assert.deepEqual(pathsOf(machine, inputs[0]).toSorted(), [
      "Canary",
      "Canary > errors.observed > Halted",
      "Canary > errors.observed > Halted > errors.observed > Halted",
      "Canary > errors.observed > Halted > rollout.withdraw > Withdrawn",
      "Canary > rollout.withdraw > Withdrawn",
      "Canary > xstate.after.canarySoak.flagRollout.Canary > Partial",
      "Canary > xstate.after.canarySoak.flagRollout.Canary > Partial > xstate.after.partialSoak.flagRollout.Partial > Complete",
    ]);
  });

  it("reaches every state of its chart", () => {
    const reached = new Set(situations.map(({ snapshot }) => String(snapshot.value)));
    assert.deepEqual([...reached].toSorted(), Object.keys(machine.chart.states).toSorted());
  });

  it("refuses by changing nothing and saying why", () => {
    const refusals = answers.filter(({ result }) => result.outcome === "refused");
    assert.ok(refusals.length > 0);
    for (const { snapshot, event, result } of refusals) {
      assert.equal(result.snapshot, snapshot);
      assert.ok(result.outcome === "refused" && result.reasons.length > 0, event.type);
    }
  });

  it("gives the same answer twice", () => {
    for (const { snapshot, event, result } of answers) {
      assert.equal(JSON.stringify(step(machine, snapshot, event)), JSON.stringify(result));
    }
  });

  it("shows the flag to nobody new while too many requests fail", () => {
    for (const { snapshot } of situations) {
      const { errors, errorsMax } = snapshot.context as { errors: number; errorsMax: number };
      if (errors > errorsMax) assert.match(String(snapshot.value), /^(Halted|Withdrawn)$/);
    }
  });
});
