import type { Box, Point } from "./geometry.ts";

const headLength = 9;
const bendRadius = 7;
const boxRadius = 7;

/** A line with round bends; where it ends in an arrow's head it stops within it. */
export function pathOf(points: readonly Point[], { hasHead }: { hasHead: boolean }): string {
  const line = hasHead ? [...points.slice(0, -1), stopBeforeTip(points)] : points;
  return line
    .map((point, index) => {
      const [before, after] = [line[index - 1], line[index + 1]];
      if (before === undefined) return `M${at(point)}`;
      if (after === undefined) return `L${at(point)}`;
      const radius = Math.min(bendRadius, distance(before, point) / 2, distance(point, after) / 2);
      return `L${at(along(point, before, radius))}Q${at(point)} ${at(along(point, after, radius))}`;
    })
    .join("");
}

function stopBeforeTip(points: readonly Point[]): Point {
  const [before, tip] = points.slice(-2) as [Point, Point];
  return along(tip, before, Math.min(headLength - 2, distance(before, tip)));
}

/** The arrow's head at the end of a line. */
export function headOf(points: readonly Point[]): string {
  const [before, tip] = points.slice(-2) as [Point, Point];
  const base = along(tip, before, headLength);
  const side = { x: (base.y - tip.y) / 2.2, y: (tip.x - base.x) / 2.2 };
  const [left, right] = [
    { x: base.x + side.x, y: base.y + side.y },
    { x: base.x - side.x, y: base.y - side.y },
  ];
  return `M${at(tip)}L${at(left)}L${at(right)}z`;
}

/** The part of a box that its title stands on: round where the box is. */
export function barOf({ x, y, width, height }: Box, barHeight: number): string {
  const r = boxRadius;
  const start = `M${at({ x, y: y + r })}q0 ${-r} ${r} ${-r}H${n(x + width - r)}q${r} 0 ${r} ${r}`;
  if (barHeight < height) return `${start}V${n(y + barHeight)}H${n(x)}z`;
  return `${start}V${n(y + height - r)}q0 ${r} ${-r} ${r}H${n(x + r)}q${-r} 0 ${-r} ${-r}z`;
}

export function boxOf({ x, y, width, height }: Box, radius = boxRadius): string {
  return `x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${radius}"`;
}

export function circleOf({ x, y }: Point, radius: number): string {
  return `cx="${n(x)}" cy="${n(y)}" r="${n(radius)}"`;
}

/** The glyph of a timer around its middle: a dial and two hands. */
export function clockOf({ x, y }: Point): string {
  const dial = `M${at({ x: x - 5.5, y })}a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0`;
  return `${dial}M${at({ x, y: y - 3.2 })}V${n(y)}L${at({ x: x + 2.6, y: y + 1.4 })}`;
}

function distance(one: Point, other: Point): number {
  return Math.abs(one.x - other.x) + Math.abs(one.y - other.y); // all parts are level or upright
}

function along(start: Point, end: Point, length: number): Point {
  const whole = distance(start, end);
  const share = whole === 0 ? 0 : length / whole;
  return { x: start.x + (end.x - start.x) * share, y: start.y + (end.y - start.y) * share };
}

export function at({ x, y }: Point): string {
  return `${n(x)} ${n(y)}`;
}

/** A number in a hundredth of a pixel: more digits would only make the file longer. */
export function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
