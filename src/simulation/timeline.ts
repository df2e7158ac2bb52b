import type { RolloutOutcome } from "./outcome.ts";
import { durationText, ticksOf } from "./time-text.ts";

const width = 60; // columns of the bars: with their names they fit into a terminal of 80

interface Span {
  fromMs: number;
  toMs: number;
  sign: string;
}

interface Bar {
  name: string;
  spans: readonly Span[];
}

/** What happened when, as bars of plain text over one axis of time: each wave, and below them what held hosts back. */
export function timelineOf(rollout: RolloutOutcome, totalMs: number): string[] {
  const endMs = rollout.endedMs ?? totalMs;
  const waves = rollout.waves.map(({ name, startedMs, activatedMs, endedMs, revertedMs }): Bar => {
    if (startedMs === null) return { name, spans: [] };
    const stopMs = endedMs ?? endMs;
    const soakMs = Math.min(activatedMs ?? stopMs, stopMs);
    return {
      name,
      spans: [
        { fromMs: startedMs, toMs: soakMs, sign: "#" },
        { fromMs: soakMs, toMs: stopMs, sign: "=" },
        ...(revertedMs === null ? [] : [{ fromMs: rollout.halt?.atMs ?? stopMs, toMs: revertedMs, sign: "<" }]),
      ],
    };
  });
  const waits = rollout.waits.map(
    ({ gate, spans }): Bar => ({ name: gate, spans: spans.map((span) => ({ ...span, sign: "-" })) }),
  );
  const bars = [...waves, ...waits];
  const margin = Math.max(...bars.map(({ name }) => name.length));
  const wentBack = rollout.waves.some(({ revertedMs }) => revertedMs !== null);
  const halt = rollout.halt === null ? undefined : columnOf(rollout.halt.atMs, totalMs);
  return [
    `${" ".repeat(margin)}  ${axis(totalMs)}`,
    ...bars.map(({ name, spans }) => `${name.padEnd(margin)}  ${drawn(spans, totalMs, halt)}`.trimEnd()),
    `${" ".repeat(margin)}  # activating  = soaking${wentBack ? "  < going back" : ""}${waits.length > 0 ? "  - held back" : ""}${halt === undefined ? "" : "  ! stopped"}`,
  ];
}

function columnOf(ms: number, totalMs: number): number {
  return totalMs === 0 ? 0 : Math.min(width - 1, Math.floor((ms / totalMs) * width));
}

function drawn(spans: readonly Span[], totalMs: number, halt: number | undefined): string {
  const cells = Array.from({ length: width }, () => " ");
  for (const { fromMs, toMs, sign } of spans) {
    if (toMs <= fromMs && sign !== "#") continue; // an activation that took no time still took place
    const from = columnOf(fromMs, totalMs);
    for (let place = from; place <= Math.max(from, columnOf(toMs, totalMs)); place += 1) cells[place] = sign;
  }
  if (halt !== undefined && cells[halt] !== " ") cells[halt] = "!";
  return cells.join("");
}

const ticksMost = 5;

function axis(totalMs: number): string {
  let line = "";
  for (const tick of ticksOf(totalMs, ticksMost)) {
    const place = columnOf(tick, totalMs);
    if (place < line.length) continue; // it would run into the one before
    line = `${line.padEnd(place)}|${durationText(tick)} `;
  }
  return line.trimEnd();
}
