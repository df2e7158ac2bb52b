import { faceOf, type Face } from "./face.ts";
import { costOf } from "./cost.ts";
import { moved, type Box, type Point, type Size } from "./geometry.ts";
import { statesOf, type ChartState } from "./graph.ts";
import type { LaidIsland, PlacedState, PlacedTrack } from "./island.ts";
import type { Frame } from "./order.ts";
import { tracksOf, type Tracks } from "./tracks.ts";
import { waysToLayOut } from "./ways.ts";

/** Where everything of a chart is drawn, in pixels from the upper left corner. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Parents before children. */
  readonly states: readonly PlacedState[];
  readonly tracks: readonly PlacedTrack[];
  /** Where two regions of a parallel state meet. */
  readonly partings: readonly Box[];
}

const wishedRatio = 1.6; // a wide picture: it fills the column of a page, and a screen
const flatRatio = 4; // of regions beneath each other, which share the height
const margin = 16;

/** Lays a chart out in several ways and keeps the one that is largest to read in a frame of the wished proportions. */
export async function layChartOut(chart: ChartState): Promise<Layout> {
  const tracks = tracksOf(chart);
  const faces = new Map(
    statesOf(chart).map((state) => [state.id, faceOf(state, { stays: tracks.stays.get(state.id) ?? [] })]),
  );
  const hasRegions = statesOf(chart).some(({ kind }) => kind === "parallel");
  const known = new Map<string, LaidIsland>();
  let best: Laid | undefined;
  for (const direction of ["RIGHT", "DOWN"] as const) {
    for (const regions of hasRegions ? (["rows", "columns"] as const) : (["rows"] as const)) {
      for (const ratio of hasRegions ? [wishedRatio, flatRatio] : [1, wishedRatio]) {
        const laid = await arrange(chart, { tracks, faces, direction, ratio, regions, known });
        if (best === undefined || costOf(laid, wishedRatio) < costOf(best, wishedRatio)) best = laid;
      }
    }
  }
  const { width, height, ...parts } = shifted(best as Laid, { x: margin, y: margin });
  return { width: Math.ceil(width + 2 * margin), height: Math.ceil(height + 2 * margin), ...parts };
}

interface Laid extends LaidIsland {
  readonly partings: readonly Box[];
}

interface Plan extends Frame {
  readonly tracks: Tracks;
  readonly faces: ReadonlyMap<string, Face>;
  readonly regions: "rows" | "columns";
  /** What was laid out before, in another frame. */
  readonly known: Map<string, LaidIsland>;
}

function arrange(state: ChartState, plan: Plan): Promise<Laid> {
  return state.kind === "parallel" ? arrangeRegions(state, plan) : arrangeIsland(state, plan);
}

async function arrangeIsland(root: ChartState, plan: Plan): Promise<Laid> {
  const inner = new Map<string, Laid>();
  for (const state of sealedIn(root)) inner.set(state.id, await arrangeRegions(state, plan));
  const tracks = plan.tracks.tracks.filter(({ island }) => island === root.id);
  const ways = await waysToLayOut({ root, tracks, faces: plan.faces, sealed: inner }, plan, plan.known);
  const [best] = ways.toSorted((one, other) => costOf(one, plan.ratio) - costOf(other, plan.ratio)) as [LaidIsland];
  const nested = best.states.flatMap((placed) => {
    const laid = inner.get(placed.state.id);
    return laid === undefined ? [] : [shifted(laid, placed)];
  });
  return {
    ...best,
    states: [...best.states.filter(({ state }) => !inner.has(state.id)), ...nested.flatMap(({ states }) => states)],
    tracks: [...best.tracks, ...nested.flatMap((each) => each.tracks)],
    partings: nested.flatMap(({ partings }) => partings),
  };
}

/** The outermost parallel states in a state. */
function sealedIn(root: ChartState): ChartState[] {
  return root.states.flatMap((state) => (state.kind === "parallel" ? [state] : sealedIn(state)));
}

/** The regions beneath each other or side by side, as wide or as high as the widest, the leading one first. */
async function arrangeRegions(state: ChartState, plan: Plan): Promise<Laid> {
  const face = plan.faces.get(state.id) as Face;
  const isRows = plan.regions === "rows";
  const regions: Laid[] = [];
  for (const region of state.states) regions.push(await arrange(region, plan));
  const total = regions.reduce((sum, { width, height }) => sum + (isRows ? height : width), 0);
  const across = Math.max(...regions.map(({ width, height }) => (isRows ? width : height)));
  const width = Math.max(face.width, isRows ? across : total);
  const height = face.height + (isRows ? total : across);

  const parts: Laid[] = [];
  const partings: Box[] = [];
  let at: Point = { x: 0, y: face.height };
  for (const [index, region] of regions.entries()) {
    if (index > 0) partings.push(isRows ? { ...at, width, height: 0 } : { ...at, width: 0, height: height - at.y });
    const isLast = index === regions.length - 1;
    const size = isRows
      ? { width, height: region.height }
      : { width: isLast ? width - at.x : region.width, height: height - at.y };
    parts.push(shifted(stretched(region, size), at));
    at = isRows ? { x: 0, y: at.y + region.height } : { x: at.x + region.width, y: at.y };
  }
  return {
    width,
    height,
    states: [{ state, face, isRegion: false, x: 0, y: 0, width, height }, ...parts.flatMap(({ states }) => states)],
    tracks: parts.flatMap(({ tracks }) => tracks),
    partings: [...partings, ...parts.flatMap((each) => each.partings)],
  };
}

function stretched(region: Laid, size: Size): Laid {
  const [root, ...states] = region.states as [PlacedState, ...PlacedState[]];
  return { ...region, ...size, states: [{ ...root, x: 0, y: 0, ...size, isRegion: true }, ...states] };
}

function shifted(laid: Laid, by: Point): Laid {
  return {
    ...laid,
    states: laid.states.map((state) => moved(state, by)),
    tracks: laid.tracks.map((track) => ({
      ...track,
      pieces: track.pieces.map((piece) => piece.map((point) => moved(point, by))),
      ...(track.card && { card: moved(track.card, by) }),
      ...(track.dot && { dot: moved(track.dot, by) }),
    })),
    partings: laid.partings.map((parting) => moved(parting, by)),
  };
}
