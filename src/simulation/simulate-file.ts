import { readFileSync } from "node:fs";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { parseFleetText } from "../planning/parse-fleet-text.ts";
import { describeSimulation } from "./describe-simulation.ts";
import type { AskedSettings } from "./settings.ts";
import { simulate, type Simulation, type SimulationProgress } from "./simulate.ts";
import { durationText } from "./time-text.ts";

const minuteMs = 60_000;

/** Simulates what a file declares; from the present minute on when nobody says from when. */
export async function simulateFile(
  { file, ...asked }: AskedSettings & { file: string },
  onProgress: (text: string) => void,
): Promise<{ body: Simulation; lines(): readonly string[] }> {
  const { document, withLine } = parseFleetText(read(file));
  const now = Math.floor(Date.now() / minuteMs) * minuteMs;
  let toldAt = 0;
  const simulation = await simulate(document, asked, {
    now,
    onProgress(progress) {
      if (performance.now() - toldAt < tellEveryMs) return;
      toldAt = performance.now();
      onProgress(textOf(progress));
    },
  });
  const body = { ...simulation, warnings: simulation.warnings.map(withLine) };
  return { body, lines: () => describeSimulation(body) };
}

const tellEveryMs = 100; // nobody reads faster

function textOf({ runsDone, runs, touched, hosts, elapsedMs }: SimulationProgress): string {
  const run = runs === 1 ? "" : `run ${runsDone + 1} of ${runs}: `;
  return `${run}${touched} of ${hosts} hosts begun, ${durationText(elapsedMs)} simulated`;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new SignalboxError("invalid-request", `The fleet declaration ${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
