import type { ElkExtendedEdge, ElkNode, LayoutOptions } from "elkjs/lib/elk-api.js";
import elkjs from "elkjs/lib/elk.bundled.js";
import { cardOf, type Card, type Face } from "./face.ts";
import { cutAround, type Box, type Point, type Size } from "./geometry.ts";
import type { ChartArc, ChartState } from "./graph.ts";
import type { Track } from "./tracks.ts";

/** A state with everything in it that is laid out together. */
export interface Island {
  readonly root: ChartState;
  readonly tracks: readonly Track[];
  readonly faces: ReadonlyMap<string, Face>;
  /** Sizes of the parallel states in it, whose regions are islands themselves. */
  readonly sealed: ReadonlyMap<string, Size>;
}

/** An island laid out, its upper left corner at 0, 0. */
export interface LaidIsland extends Size {
  readonly states: readonly PlacedState[];
  readonly tracks: readonly PlacedTrack[];
}

export interface PlacedState extends Box {
  readonly state: ChartState;
  readonly face: Face;
  readonly isRegion: boolean;
}

/** All arcs from one state to another, drawn as one line with one card on it. */
export interface PlacedTrack {
  readonly from: string;
  readonly to: string;
  readonly arcs: readonly ChartArc[];
  readonly card?: Card & Point;
  /** From the source to the target, all parts level or upright; in two pieces where the card stands between them. */
  readonly pieces: readonly (readonly Point[])[];
  /** The dot from which an initial state is entered. */
  readonly dot?: Point;
}

/** One way to lay an island out. */
export interface Way {
  readonly direction: Direction;
  readonly seed: number;
  /** Tracks that run against the direction: the layout is told of them the other way round, and never meets a circle. */
  readonly against: ReadonlySet<Track>;
}

/** Where pictures run to. */
export type Direction = "RIGHT" | "DOWN";

const dotSize = 12;

export async function layIslandOut(island: Island, { direction, seed, against }: Way): Promise<LaidIsland> {
  const states = statesIn(island);
  const names = new Map(states.map(({ id }, index) => [id, `state${index}`])); // a chart's ids may be anything
  const nameOf = (id: string) => names.get(id) as string;
  const options = optionsFor(direction, seed);
  const entered = states.filter((state) => isOpen(state, island) && state.initial !== undefined);

  const nodeOf = (state: ChartState): ElkNode => {
    const id = nameOf(state.id);
    const { width, height } = sizeOf(state, island);
    if (island.sealed.has(state.id)) return { id, width, height };
    const growing = (least: string) => ({
      "elk.nodeSize.constraints": "PORTS MINIMUM_SIZE",
      "elk.nodeSize.minimum": least,
    });
    if (!isOpen(state, island)) return { id, width, height, layoutOptions: growing(`(${width},${height})`) };
    const dot = { id: `${id}.dot`, width: dotSize, height: dotSize };
    return {
      id,
      children: [...(entered.includes(state) ? [dot] : []), ...state.states.map(nodeOf)],
      layoutOptions: {
        ...options,
        ...growing(direction === "DOWN" ? `(${height},${width})` : `(${width},${height})`), // elkjs turns it with the picture
        "elk.padding": `[top=${height + 20},left=24,bottom=24,right=24]`,
      },
    };
  };
  const graph: ElkNode = {
    id: "island",
    children: [nodeOf(island.root)],
    edges: [
      ...island.tracks.map((track, index): ElkExtendedEdge => {
        const [source, target] = against.has(track) ? [track.target, track.source] : [track.source, track.target];
        const ends = { sources: [nameOf(source)], targets: [nameOf(target)] };
        return { id: `track${index}`, ...ends, ...labelOf(track) };
      }),
      ...entered.map(({ id, initial }): ElkExtendedEdge => {
        const target = nameOf(initial as string);
        return { id: `${nameOf(id)}.start`, sources: [`${nameOf(id)}.dot`], targets: [target] };
      }),
    ],
    layoutOptions: {
      ...options,
      "elk.padding": "[top=0,left=0,bottom=0,right=0]",
      "elk.json.shapeCoords": "ROOT",
      "elk.json.edgeCoords": "ROOT",
    },
  };
  const laid: ElkNode = await new elkjs.default().layout(graph);

  const nodes = nodesIn(laid);
  const edges = new Map((laid.edges ?? []).map((edge) => [edge.id, edge]));
  return {
    width: laid.width ?? 0,
    height: laid.height ?? 0,
    states: states.map((state) => {
      const { x = 0, y = 0, width = 0, height = 0 } = nodes.get(nameOf(state.id)) as ElkNode;
      return { state, face: island.faces.get(state.id) as Face, isRegion: false, x, y, width, height };
    }),
    tracks: [
      ...island.tracks.map((track, index) =>
        placedTrack(track, edges.get(`track${index}`) as ElkExtendedEdge, against.has(track)),
      ),
      ...entered.map(({ id, initial }): PlacedTrack => {
        const { x = 0, y = 0 } = nodes.get(`${nameOf(id)}.dot`) as ElkNode;
        const line = lineOf(edges.get(`${nameOf(id)}.start`) as ElkExtendedEdge);
        const dot = { x: x + dotSize / 2, y: y + dotSize / 2 };
        return { from: id, to: initial as string, arcs: [], pieces: [line], dot };
      }),
    ],
  };
}

/** What a state takes when nothing is laid out in it. */
export function sizeOf({ id }: ChartState, { faces, sealed }: Island): Size {
  const { width, height } = sealed.get(id) ?? faces.get(id)!;
  return { width, height };
}

/** Whether the states in a state are laid out with it. */
export function isOpen(state: ChartState, { sealed }: Island): boolean {
  return state.states.length > 0 && !sealed.has(state.id);
}

export function statesIn(island: Island): ChartState[] {
  const below = (state: ChartState): ChartState[] =>
    isOpen(state, island) ? [state, ...state.states.flatMap(below)] : [state];
  return below(island.root);
}

/** A card stands on its track; beside it only where the track ends at the state that it begins at. */
function labelOf(track: Track): Pick<ElkExtendedEdge, "labels"> {
  const card = cardOf(track);
  if (card === undefined) return {};
  const layoutOptions = {
    "elk.edgeLabels.placement": "CENTER",
    "elk.edgeLabels.inline": String(track.source !== track.target),
  };
  return { labels: [{ text: "card", width: card.width, height: card.height, layoutOptions }] };
}

function placedTrack(track: Track, edge: ElkExtendedEdge, isAgainst: boolean): PlacedTrack {
  const { from, to, arcs } = track;
  const line = isAgainst ? lineOf(edge).toReversed() : lineOf(edge);
  const card = cardOf(track);
  if (card === undefined) return { from, to, arcs, pieces: [line] };
  const { x = 0, y = 0 } = edge.labels?.[0] ?? {};
  const placed = { ...card, x, y };
  return { from, to, arcs, card: placed, pieces: cutAround(line, placed) };
}

function lineOf({ sections = [] }: ElkExtendedEdge): Point[] {
  return sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
}

function nodesIn(node: ElkNode): Map<string, ElkNode> {
  return new Map([[node.id, node], ...(node.children ?? []).flatMap((child) => [...nodesIn(child)])]);
}

function optionsFor(direction: Direction, seed: number): LayoutOptions {
  return {
    "elk.algorithm": "layered",
    "elk.direction": direction,
    "elk.hierarchyHandling": "INCLUDE_CHILDREN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.randomSeed": String(seed),
    "elk.layered.thoroughness": "10",
    "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
    "elk.layered.edgeLabels.centerLabelPlacementStrategy": "SPACE_EFFICIENT_LAYER",
    "elk.spacing.nodeNode": "36",
    "elk.spacing.edgeNode": "24",
    "elk.spacing.edgeEdge": "18",
    "elk.spacing.edgeLabel": "8",
    "elk.spacing.nodeSelfLoop": "18",
    "elk.spacing.portPort": "14",
    "elk.layered.spacing.nodeNodeBetweenLayers": "28",
    "elk.layered.spacing.edgeNodeBetweenLayers": "18",
    "elk.layered.spacing.edgeEdgeBetweenLayers": "14",
  };
}
