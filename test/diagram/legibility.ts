import { boxAround, overlap, partsOf, type Box } from "../../src/diagram/geometry.ts";
import type { PlacedState } from "../../src/diagram/island.ts";
import type { Layout } from "../../src/diagram/layout.ts";

/** Everything in a picture that stands on something else. */
export function collisionsIn(layout: Layout): string[] {
  const cards = layout.tracks.flatMap(({ from, to, card }) =>
    card === undefined ? [] : [{ name: `card ${from} > ${to}`, box: card }],
  );
  const lines = layout.tracks.flatMap(({ from, to, pieces }) =>
    pieces.flatMap(partsOf).map(([start, end]) => ({ name: `line ${from} > ${to}`, box: boxAround(start, end) })),
  );
  const leaves = layout.states.filter(({ state }) => state.states.length === 0).map(solid);
  const faces = layout.states.filter(({ state }) => state.states.length > 0).map(faceOf);
  const partings = layout.partings.map((box) => ({ name: "parting", box }));
  const frames = layout.states.filter(({ state }) => state.states.length > 0).flatMap(edgesOf);
  return [
    ...pairs([...cards, ...leaves, ...faces]),
    ...between(cards, [...lines, ...partings, ...frames]),
    ...between(leaves, [...lines, ...partings, ...frames]),
    ...between(faces, [...lines, ...partings]),
    ...[...cards, ...leaves].filter(({ box }) => !isWithin(box, layout)).map(({ name }) => `${name} is outside`),
  ];
}

interface Named {
  name: string;
  box: Box;
}

function solid({ state, x, y, width, height }: PlacedState): Named {
  return { name: `state ${state.id}`, box: { x, y, width, height } };
}

/** Where a state that holds others has its title and its text. */
function faceOf({ state, face, x, y }: PlacedState): Named {
  return { name: `face ${state.id}`, box: { x, y, width: face.width, height: face.height } };
}

function edgesOf({ state, x, y, width, height }: PlacedState): Named[] {
  const name = `edge of ${state.id}`;
  return [
    { name, box: { x, y, width, height: 0 } },
    { name, box: { x, y: y + height, width, height: 0 } },
    { name, box: { x, y, width: 0, height } },
    { name, box: { x: x + width, y, width: 0, height } },
  ];
}

function pairs(things: readonly Named[]): string[] {
  return things.flatMap((one, index) => between([one], things.slice(index + 1)));
}

function between(things: readonly Named[], others: readonly Named[]): string[] {
  return things.flatMap((one) =>
    others.filter((other) => overlap(one.box, other.box)).map((other) => `${one.name} meets ${other.name}`),
  );
}

function isWithin(box: Box, { width, height }: { width: number; height: number }): boolean {
  return box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
}
