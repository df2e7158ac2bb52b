import { expect } from "vitest";
import type { HostContext } from "../../machines/host/context.ts";
import type { CountedState } from "../../machines/host/states.ts";
import { countedStates } from "../../machines/host/states.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { FrozenPlan } from "../../src/planning/frozen-plan.ts";
import type { FleetWorld } from "./fleet-world.ts";

/** What has to be true of every fleet at every rest: replay, counters, budgets, and that nothing was given up. */
export async function expectSound({ engine, control }: FleetWorld): Promise<void> {
  const { differences, unverifiable } = await engine.verify();
  expect(differences).toEqual([]);
  expect(unverifiable).toEqual([]);
  const { items: dead } = await engine.pending({ state: "dead" });
  expect(dead).toEqual([]);
  for (const { rolloutId, state } of await control.rollouts({ limit: 500 })) {
    const { planError, waves } = (await engine.read(rolloutId)).context as RolloutContext;
    expect(planError).toBeNull();
    const counted = await recounted(engine, rolloutId);
    const joined = (each: RolloutContext["waves"]) => each?.map((wave) => wave.joined) ?? [];
    if (["Opening", "Active", "Converging"].includes(state)) expect(joined(waves)).toEqual(joined(counted));
    const byState = (each: RolloutContext["waves"]) => each?.map((wave) => ({ ...wave, joined: null })); // who joins later is not dispatched
    expect({ rolloutId, waves: byState(waves) }).toEqual({ rolloutId, waves: byState(counted) });
    if (state !== "Pruned") await expectBudgets(control, rolloutId);
  }
}

/** The counters as the hosts themselves say. */
async function recounted(engine: FleetWorld["engine"], rolloutId: string): Promise<RolloutContext["waves"]> {
  const plan = await planOf(engine, rolloutId);
  const waves = plan.waves.map(({ hosts }) => {
    const none = Object.fromEntries(countedStates.map((state) => [state, 0])) as Record<CountedState, number>;
    return { ...none, Pending: hosts.length, joined: 0 };
  });
  for (let after = `${rolloutId}/`; ; ) {
    const rows = (await engine.rows({ after, limit: 500 })).filter(({ id }) => id.startsWith(`${rolloutId}/`));
    for (const { snapshot } of rows) {
      const { wave, countedAs } = (JSON.parse(snapshot) as { context: HostContext }).context;
      const counters = waves[wave];
      if (counters === undefined) continue;
      counters.Pending -= 1;
      counters[countedAs] += 1;
      counters.joined += 1;
    }
    if (rows.length < 500) return waves;
    after = rows.at(-1)?.id ?? after;
  }
}

async function planOf(engine: FleetWorld["engine"], rolloutId: string): Promise<FrozenPlan> {
  const { row } = await engine.head(`plan/${rolloutId}`);
  return (JSON.parse(row.input) as { content: FrozenPlan }).content;
}

/** No budget of a rollout is overdrawn by what is out in it. */
async function expectBudgets(control: FleetWorld["control"], rolloutId: string): Promise<void> {
  const { budgets } = await control.planOf(rolloutId);
  if (budgets.length === 0) return;
  const hosts = await control.hosts(rolloutId, { limit: 10_000 });
  const out = hosts.filter(({ state, isOffered, excused }) => {
    return excused === null && (isOffered || ["Activating", "Soaking"].includes(state));
  });
  for (const { key, max, hosts: held } of budgets) {
    const taken = out.filter(({ host }) => held.includes(host)).map(({ host }) => host);
    expect({ key, taken: taken.length <= max ? [] : taken }).toEqual({ key, taken: [] });
  }
}
