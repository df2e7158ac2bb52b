import type { Engine } from "../engine/engine.ts";
import type { FrozenPlan, PlannedWave } from "../planning/frozen-plan.ts";
import type { PlanFacts } from "./fleet-index.ts";
import { planIdOf } from "./instance-ids.ts";

/** The plans that were frozen: read once, and kept for those that are used. */
export interface Plans {
  /** Throws `not-found` for a rollout without a plan. */
  of(rolloutId: string): Promise<PlanFacts>;
  /** The same for what is small in it: of all rollouts at once. */
  wavesOf(rolloutId: string): Promise<readonly WaveFacts[]>;
}

export type WaveFacts = Pick<PlannedWave, "name" | "soakMs">;

const keptMax = 50; // a plan of 10,000 hosts takes about a megabyte

export function createPlans(engine: Engine): Plans {
  const kept = new Map<string, Promise<PlanFacts>>(); // the one used last is last

  const waves = new Map<string, readonly WaveFacts[]>();

  async function read(rolloutId: string): Promise<PlanFacts> {
    const { row } = await engine.head(planIdOf(rolloutId));
    const { content } = JSON.parse(row.input) as { content: FrozenPlan };
    waves.set(
      rolloutId,
      content.waves.map(({ name, soakMs }) => ({ name, soakMs })),
    );
    return { plan: content, waveOf: placesIn(content) };
  }

  function of(rolloutId: string): Promise<PlanFacts> {
    const facts = kept.get(rolloutId) ?? read(rolloutId);
    kept.delete(rolloutId);
    kept.set(rolloutId, facts);
    facts.catch(() => kept.delete(rolloutId));
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break;
      kept.delete(oldest);
    }
    return facts;
  }

  return {
    of,
    async wavesOf(rolloutId) {
      if (!waves.has(rolloutId)) await of(rolloutId);
      return waves.get(rolloutId) ?? [];
    },
  };
}

function placesIn({ waves }: FrozenPlan): Map<string, number> {
  return new Map(waves.flatMap(({ hosts }, wave) => hosts.map((host) => [host, wave] as const)));
}
