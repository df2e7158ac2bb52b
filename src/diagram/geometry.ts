export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Point, Size {}

export function moved<Shape extends Point>(shape: Shape, by: Point): Shape {
  return { ...shape, x: shape.x + by.x, y: shape.y + by.y };
}

/** Whether two boxes share more than an edge. */
export function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/** The box that a straight part of a line covers; a thin one, as lines run level or upright. */
export function boxAround(start: Point, end: Point): Box {
  return {
    x: Math.min(start.x, end.x),
    y: Math.min(start.y, end.y),
    width: Math.abs(start.x - end.x),
    height: Math.abs(start.y - end.y),
  };
}

/** The straight parts of a line. */
export function partsOf(line: readonly Point[]): (readonly [Point, Point])[] {
  return line.slice(1).map((end, index) => [line[index] as Point, end] as const);
}

export function lengthOf(line: readonly Point[]): number {
  return partsOf(line).reduce((sum, [start, end]) => sum + Math.abs(start.x - end.x) + Math.abs(start.y - end.y), 0);
}

/** The line up to where it meets the box and from where it leaves it; the whole line when it does not meet it. */
export function cutAround(line: readonly Point[], box: Box): readonly (readonly Point[])[] {
  const parts = partsOf(line);
  const first = parts.findIndex(([start, end]) => overlap(boxAround(start, end), box));
  const last = parts.findLastIndex(([start, end]) => overlap(boxAround(start, end), box));
  if (first === -1) return [line];
  const [before, after] = [parts[first]!, parts[last]!];
  return [
    [...line.slice(0, first + 1), towards(before[0], before[1], box)],
    [towards(after[1], after[0], box), ...line.slice(last + 1)],
  ];
}

/** Where the way from outside a box first meets it. */
function towards(start: Point, end: Point, box: Box): Point {
  if (start.y === end.y) return { x: start.x < box.x ? box.x : box.x + box.width, y: start.y };
  return { x: start.x, y: start.y < box.y ? box.y : box.y + box.height };
}

/** How often lines cross each other; where two run on the same way counts too. */
export function crossingsOf(lines: readonly (readonly Point[])[]): number {
  const parts = lines.flatMap((line, index) =>
    partsOf(line).map(([start, end]) => ({ index, box: boxAround(start, end) })),
  );
  let crossings = 0;
  for (const [position, { index, box }] of parts.entries()) {
    for (const other of parts.slice(position + 1)) if (other.index !== index && touch(box, other.box)) crossings += 1;
  }
  return crossings;
}

function touch(one: Box, other: Box): boolean {
  return (
    one.x <= other.x + other.width &&
    other.x <= one.x + one.width &&
    one.y <= other.y + other.height &&
    other.y <= one.y + one.height
  );
}
