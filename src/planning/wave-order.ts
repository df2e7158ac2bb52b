import { pointerTo, type SchemaFault } from "../core/schema-faults.ts";
import type { Entry } from "./fleet-draft.ts";
import type { HostEdgeEntry } from "./fleet-schema.ts";
import type { Fleet, Host, Wave } from "./fleet.ts";
import { stagesOf } from "./stages.ts";
import { waveText } from "./wave-name.ts";

/**
 * Edges between hosts that no rollout could come past: the one that goes first is in a later wave, which waits until the
 * wave of the other is settled, or in none.
 */
export function orderFaults(fleet: Omit<Fleet, "hash">, edges: readonly Entry<HostEdgeEntry>[]): SchemaFault[] {
  const stages = new Map<string, (host: Host) => number | undefined>();
  return edges.flatMap(({ path, value }) => {
    const before = fleet.hosts.get(value?.before ?? "");
    const after = fleet.hosts.get(value?.after ?? "");
    if (before === undefined || after === undefined || before.channel !== after.channel) return [];
    const waves = wavesOf(fleet, after.channel);
    if (waves === undefined) return [];
    const stageOf = stages.get(after.channel) ?? stagesOf(waves);
    stages.set(after.channel, stageOf);
    const detail = conflict({ before, after, stageOf, waves });
    return detail === undefined ? [] : [{ pointer: pointerTo(path), detail }];
  });
}

function wavesOf(fleet: Omit<Fleet, "hash">, channel: string): readonly Wave[] | undefined {
  return fleet.policies.get(fleet.channels.get(channel)?.policy ?? "")?.waves;
}

function conflict(given: {
  before: Host;
  after: Host;
  stageOf: (host: Host) => number | undefined;
  waves: readonly Wave[];
}): string | undefined {
  const { before, after, stageOf, waves } = given;
  const [first, second] = [stageOf(before), stageOf(after)];
  if (second === undefined) return undefined; // it is never dispatched, so that nothing waits for it
  const nameOf = (wave: number) => waveText(waves, wave);
  if (first === undefined)
    return `${after.name} waits for ${before.name}, which no wave selects: select it in ${nameOf(second)} or before, or take the edge out`;
  if (first <= second) return undefined;
  return (
    `${after.name} of ${nameOf(second)} waits for ${before.name} of ${nameOf(first)}, which opens after it has settled: ` +
    `move ${before.name} to ${nameOf(second)} or before, or take the edge out`
  );
}
