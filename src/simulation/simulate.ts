import { SignalboxError } from "../core/errors.ts";
import { parseFleet } from "../planning/parse-fleet.ts";
import { warningsOf } from "../planning/fleet-warnings.ts";
import { assumptionsOf } from "./assumptions.ts";
import type { RunOutcome, Spread } from "./outcome.ts";
import { simulateRun, type Progress } from "./run.ts";
import { scaleDeclaration } from "./scale.ts";
import { parseSettings, type AskedSettings, type Settings } from "./settings.ts";
import { spreadOf } from "./spread.ts";

/** What a simulation has shown. JSON. */
export interface Simulation {
  settings: Settings;
  /** Whether the fleet's calendar may hold it: then it matters when it starts. */
  dependsOnStart: boolean;
  /** What was taken for granted: read it before the figures. */
  assumptions: readonly string[];
  /** What the declaration may well mean otherwise. */
  warnings: readonly { pointer: string; detail: string }[];
  /** The run of one, in full; of several the first. */
  run: RunOutcome;
  /** How the outcomes of several runs are spread; null for one. */
  spread: Spread | null;
}

/** Told how far it is: runs that are done, and how far the present one has come. */
export type SimulationProgress = Progress & { runsDone: number; runs: number };

/**
 * Plays a rollout of a fleet declaration (as plain data) through: the real statecharts, planner and control plane on a store
 * in memory and a clock that never waits, against hosts that are a model. The same declaration, settings and seed give the
 * same answer. Throws `invalid-request` with every fault.
 */
export async function simulate(
  declaration: unknown,
  asked: AskedSettings,
  options: { now: number; onProgress?: (progress: SimulationProgress) => void },
): Promise<Simulation> {
  const declared = parseFleet(declaration);
  const settings = parseSettings(asked, declared, options.now);
  const isScaled = settings.hosts !== declared.hosts.size;
  const scaled = isScaled
    ? scaleDeclaration(declaration as Record<string, unknown>, declared, settings.hosts) // parseFleet has read it
    : { document: declaration as Record<string, unknown>, notes: [] };
  const fleet = isScaled ? parseFleet(scaled.document) : declared;
  if (![...fleet.hosts.values()].some(({ channel }) => settings.channels.includes(channel)))
    throw new SignalboxError(
      "invalid-request",
      `No host is in ${settings.channels.join(", ")}: there is nothing to simulate.`,
    );

  const outcomes: RunOutcome[] = [];
  for (let number = 1; number <= settings.runs; number += 1) {
    const seed = settings.runs === 1 ? settings.seed : `${settings.seed}/${number}`;
    const onProgress = (progress: Progress) =>
      options.onProgress?.({ ...progress, runsDone: number - 1, runs: settings.runs });
    outcomes.push(await simulateRun({ document: scaled.document, fleet, settings, seed, onProgress }));
  }
  const [run] = outcomes;
  if (run === undefined) throw new SignalboxError("internal-fault", "A simulation without runs.");
  return {
    settings,
    dependsOnStart: fleet.freezes.length > 0,
    assumptions: [...assumptionsOf(settings, fleet, run), ...scaled.notes],
    warnings: warningsOf(declared),
    run,
    spread: outcomes.length === 1 ? null : spreadOf(outcomes),
  };
}
