import { boxAround, crossingsOf, lengthOf, overlap, partsOf, type Box } from "./geometry.ts";
import type { LaidIsland, PlacedState } from "./island.ts";

const crossing = 25; // px of width, as the others: what it is worth to be without it
const corner = 4;
const lengthShare = 1 / 40;
const throughText = 400;
const lateness = 1.5;

/**
 * How wide a picture is when it is given the wished proportions. What makes it harder to read counts as width, too: lines
 * that cross, bend, are long or run through text, and an initial state that is not where one begins to read.
 */
export function costOf({ width, height, states, tracks }: LaidIsland, ratio: number): number {
  const lines = tracks.map(({ pieces }) => pieces.flat());
  const corners = lines.reduce((sum, line) => sum + line.length - 2, 0);
  const length = lines.reduce((sum, line) => sum + lengthOf(line), 0);
  const faces = new Map(states.map((placed) => [placed.state.id, faceOf(placed)]));
  const parts = lines.flatMap(partsOf).map(([start, end]) => boxAround(start, end));
  const struck = [...faces.values()].filter((face) => parts.some((part) => overlap(face, part)));
  const late = tracks.reduce((sum, { from, dot }) => {
    const face = faces.get(from);
    return dot === undefined || face === undefined ? sum : sum + dot.x - face.x + dot.y - face.y - face.height;
  }, 0);
  return (
    Math.max(width, height * ratio) +
    crossing * crossingsOf(lines) +
    corner * corners +
    lengthShare * length +
    throughText * struck.length +
    lateness * late
  );
}

/** Where a state has its title and text. */
function faceOf({ x, y, face }: PlacedState): Box {
  return { x, y, width: face.width, height: face.height };
}
