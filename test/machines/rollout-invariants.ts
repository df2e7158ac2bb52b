import { expect } from "vitest";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import { hostsOf, isEveryWaveComplete } from "../../machines/rollout/waves.ts";
import { leadingState, type Snapshot } from "../../src/core/machine.ts";
import type { StampedEvent, StepResult } from "../../src/core/step.ts";

/** What holds of every step of a rollout. */
export function rolloutHolds({
  before,
  event,
  result,
}: {
  before: Snapshot;
  event: StampedEvent;
  result: StepResult;
}): void {
  const was = before.context as RolloutContext;
  const context = result.snapshot.context as RolloutContext;
  const { rollout: state, control, planning } = result.snapshot.value as Record<string, string>;
  if (leadingState(before) === "Pruned") expect(result.outcome).toBe("refused");

  expect(context.currentWave).toBeGreaterThanOrEqual(was.currentWave);
  expect(context.waves?.map(hostsOf)).toEqual(was.waves?.map(hostsOf));
  for (const { joined, ...counters } of context.waves ?? []) {
    expect(Math.min(joined, ...Object.values(counters))).toBeGreaterThanOrEqual(0);
  }

  if (state === "Terminal") expect(context.terminalAt).not.toBeNull();
  if (state === "Terminal" && leadingState(before) !== "Terminal" && context.waves !== null) {
    expect(isEveryWaveComplete(context)).toBe(true);
  }
  if (was.terminalAt !== null) expect(context.terminalAt).toBe(was.terminalAt);
  if (state === "Superseded") expect(context.supersededAt).not.toBeNull();
  if (state === "Failed" || state === "Reverted") expect(context.failure).not.toBeNull();

  expect(control === "Over").toBe(["Terminal", "Superseded", "Pruned"].includes(state ?? ""));
  expect(control === "Paused").toBe(context.paused !== null);
  expect(planning === "Ended").toBe(state === "Pruned");
  if (context.planHash === null) expect(planning).not.toBe("Planning");
  expect(result.snapshot.status).toBe(state === "Pruned" ? "done" : "active");

  const isDecision = event.type === "plan.decided" && (event["dispatched"] as number) > 0;
  if (isDecision && result.outcome !== "refused" && state !== "Terminal") {
    expect([state, control]).toEqual([expect.stringMatching(/^(Opening|Active|Converging)$/), "Running"]);
  }
}
