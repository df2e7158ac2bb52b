const parts = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `0s`, `1m 30s`, `2h 5m`, `3d 4h`: the two largest units, the rest rounded away. */
export function durationText(ms: number): string {
  const first = parts.findIndex(([, size]) => ms >= size);
  if (first < 0) return ms === 0 ? "0s" : `${ms}ms`;
  const [unit, size] = parts[first] ?? ["s", 1_000];
  const [smaller, smallerSize] = parts[first + 1] ?? ["", 0];
  if (smallerSize === 0) return `${Math.round(ms / size)}${unit}`;
  const whole = Math.round(ms / smallerSize) * smallerSize;
  if (whole >= (parts[first - 1]?.[1] ?? Number.POSITIVE_INFINITY)) return durationText(whole); // 59m 59.6s are an hour
  const rest = Math.round((whole % size) / smallerSize);
  return rest === 0 ? `${Math.floor(whole / size)}${unit}` : `${Math.floor(whole / size)}${unit} ${rest}${smaller}`;
}

const steps = [
  1, 5, 10, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
];

/** Round times from the start on, at most so many, that divide a span well. */
export function ticksOf(totalMs: number, most: number): number[] {
  const step = (steps.find((seconds) => totalMs / (seconds * 1_000) <= most) ?? steps.at(-1) ?? 1) * 1_000;
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => index * step);
}
