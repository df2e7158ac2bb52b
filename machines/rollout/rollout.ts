import type { Machine } from "../../src/core/machine.ts";
import { chart } from "./chart.ts";
import type { RolloutContext } from "./context.ts";
import { eventSchemas, inputSchema } from "./events.ts";
import { examples } from "./examples.ts";
import { laws } from "./laws.ts";
import { notes } from "./notes.ts";
import { isWaveSettled } from "./waves.ts";

/** One run of one ref over one channel; see the chart. */
export const rollout: Machine = {
  name: "rollout",
  version: 1,
  chart,
  input: inputSchema,
  events: eventSchemas,
  laws,
  examples,
  abstract,
  notes,
};

/** Distinguishes what a guard distinguishes; of a wave how far it is, not how many hosts are where. */
function abstract(context: RolloutContext): unknown {
  const { waves, currentWave, approvals, paused, promotedThrough, isPlanStale } = context;
  if (context.terminalAt !== null || context.supersededAt !== null) return { isPlanStale };
  if (context.failure !== null) return { hasFailed: waves?.some(({ Failed }) => Failed > 0) ?? false, isPlanStale };
  return {
    isPlanStale,
    currentWave: Math.min(currentWave, 1),
    waves: (waves ?? []).map(({ Deferred, Excused, Soaking }, number) => [
      isWaveSettled(context, number),
      Deferred > 0,
      Excused > 0,
      Soaking > 0,
    ]),
    approved: Object.keys(approvals),
    isStopped: paused?.by === "engine",
    isPromoted: promotedThrough >= currentWave,
  };
}
