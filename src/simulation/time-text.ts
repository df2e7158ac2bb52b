const parts = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

const week = 604_800_000; // whoever plans further ahead does not plan by the minute

/** `0s`, `1m 30s`, `2h 5m`, `1d 4h 37m`, `12d 4h`: seconds within the first hour, minutes within the first week, then hours. */
export function durationText(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const grain = ms < 3_600_000 ? 1_000 : ms < week ? 60_000 : 3_600_000;
  let rest = Math.round(ms / grain) * grain;
  const texts: string[] = [];
  for (const [unit, size] of parts) {
    if (rest >= size) texts.push(`${Math.floor(rest / size)}${unit}`);
    rest %= size;
  }
  return texts.join(" ") || "0s";
}

const steps = [
  1, 5, 10, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
];

/** Round times from the start on, at most so many, that divide a span well. */
export function ticksOf(totalMs: number, most: number): number[] {
  const step = (steps.find((seconds) => totalMs / (seconds * 1_000) <= most) ?? steps.at(-1) ?? 1) * 1_000;
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => index * step);
}
