import { statesOf, type ChartArc, type ChartState } from "./graph.ts";

/** All arcs from one state to another: they are drawn as one line. */
export interface Track {
  /** Ids of the states that the arcs are about. */
  readonly from: string;
  readonly to: string;
  /** Ids of the states that the line is drawn between: other ones where an arc leaves or enters a region. */
  readonly source: string;
  readonly target: string;
  /** Id of the state in which the line is laid out. */
  readonly island: string;
  /** None for the way from a history state to what stands in for it. */
  readonly arcs: readonly ChartArc[];
}

export interface Tracks {
  readonly tracks: readonly Track[];
  /** Arcs that no line shows, by their source: they have no target, or it lies in a neighbouring region. */
  readonly stays: ReadonlyMap<string, readonly ChartArc[]>;
}

/**
 * What of a chart is drawn as a line. A region is an island: it is laid out by itself, and for what lies outside it the
 * parallel state around it stands as a whole.
 */
export function tracksOf(chart: ChartState): Tracks {
  const parents = new Map(statesOf(chart).flatMap((state) => state.states.map((child) => [child.id, state] as const)));
  const tracks = new Map<string, Track & { arcs: ChartArc[] }>();
  const stays = new Map<string, ChartArc[]>();

  const draw = (from: string, to: string, arcs: readonly ChartArc[]): boolean => {
    const met = meetingOf(from, to);
    if (met === undefined) return false;
    const key = JSON.stringify([from, to]);
    const track = tracks.get(key) ?? { from, to, ...met, arcs: [] };
    track.arcs.push(...arcs);
    tracks.set(key, track);
    return true;
  };
  for (const state of statesOf(chart)) {
    for (const arc of state.arcs) {
      const drawn = arc.targets.filter((target) => draw(state.id, target, [arc]));
      if (drawn.length === 0) stays.set(state.id, [...(stays.get(state.id) ?? []), arc]);
    }
    if (state.kind === "history" && state.initial !== undefined) draw(state.id, state.initial, []);
  }
  return { tracks: [...tracks.values()], stays };

  function islandOf(id: string): string {
    const parent = parents.get(id);
    return parent === undefined || parent.kind === "parallel" ? id : islandOf(parent.id);
  }

  /** The state itself, then the parallel state around its island, and so on outwards; each with its island. */
  function outwards(id: string): { state: string; island: string }[] {
    const island = islandOf(id);
    const around = parents.get(island);
    return [{ state: id, island }, ...(around === undefined ? [] : outwards(around.id))];
  }

  function meetingOf(from: string, to: string): Pick<Track, "source" | "target" | "island"> | undefined {
    for (const { state: source, island } of outwards(from)) {
      const target = outwards(to).find((each) => each.island === island)?.state;
      if (target === undefined) continue;
      const isBorderless = source === target && (from !== to || (source === island && parents.has(island)));
      return isBorderless ? undefined : { source, target, island }; // a region has no border to draw a loop at
    }
    return undefined;
  }
}
