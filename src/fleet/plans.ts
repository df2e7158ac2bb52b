import type { Engine } from "../engine/engine.ts";
import type { FrozenPlan, PlannedWave } from "../planning/frozen-plan.ts";
import type { PlanFacts } from "./fleet-index.ts";
import { planIdOf } from "./instance-ids.ts";
import { createKept } from "./kept.ts";

/** The plans that were frozen: read once, and kept for those that are used. */
export interface Plans {
  /** Throws `not-found` for a rollout without a plan. */
  of(rolloutId: string): Promise<PlanFacts>;
  /** The same for what is small in it: of all rollouts at once. */
  wavesOf(rolloutId: string): Promise<readonly WaveFacts[]>;
}

export type WaveFacts = Pick<PlannedWave, "name" | "soakMs">;

const plansMax = 50; // a plan of 10,000 hosts takes about a megabyte
const wavesMax = 1_000; // more rollouts than are listed at once; each takes about a kilobyte

export function createPlans(engine: Engine): Plans {
  const kept = createKept<Promise<PlanFacts>>(plansMax);
  const waves = createKept<readonly WaveFacts[]>(wavesMax);

  async function read(rolloutId: string): Promise<PlanFacts> {
    const { row } = await engine.head(planIdOf(rolloutId));
    const { content } = JSON.parse(row.input) as { content: FrozenPlan };
    return { plan: content, waveOf: placesIn(content) };
  }

  function of(rolloutId: string): Promise<PlanFacts> {
    const known = kept.get(rolloutId);
    if (known !== undefined) return known;
    const facts = read(rolloutId);
    kept.set(rolloutId, facts);
    facts.catch(() => kept.delete(rolloutId));
    return facts;
  }

  return {
    of,
    async wavesOf(rolloutId) {
      const known = waves.get(rolloutId);
      if (known !== undefined) return known;
      const { plan } = await of(rolloutId);
      const facts = plan.waves.map(({ name, soakMs }) => ({ name, soakMs }));
      waves.set(rolloutId, facts);
      return facts;
    },
  };
}

function placesIn({ waves }: FrozenPlan): Map<string, number> {
  return new Map(waves.flatMap(({ hosts }, wave) => hosts.map((host) => [host, wave] as const)));
}
