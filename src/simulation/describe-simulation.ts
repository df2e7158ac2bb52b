import { waveNamed } from "../planning/wave-name.ts";
import { percent } from "./assumptions.ts";
import type { Quantiles, RolloutOutcome, Spread } from "./outcome.ts";
import type { Simulation } from "./simulate.ts";
import { durationText } from "./time-text.ts";
import { timelineOf } from "./timeline.ts";

/** A simulation as lines for people. */
export function describeSimulation({
  settings,
  dependsOnStart,
  assumptions,
  warnings,
  run,
  spread,
}: Simulation): string[] {
  const start = dependsOnStart ? `, from ${new Date(settings.startsAt).toISOString()}` : "";
  const first = spread === null ? "" : `, the first of ${spread.runs} runs`;
  return [
    `${settings.ref} over ${settings.channels.join(", ")}: ${count(settings.hosts, "host")} simulated, seed ${settings.seed}${start}${first}`,
    ...run.rollouts.flatMap((rollout) => ["", ...rolloutLines(rollout, run.durationMs)]),
    ...(run.ending === "stuck"
      ? ["", `Nothing more happens within ${durationText(settings.horizonMs)} unless somebody acts.`]
      : []),
    ...(run.ending === "out-of-time"
      ? ["", `It was still going on after ${durationText(settings.horizonMs)}: look further with --until.`]
      : []),
    ...(spread === null ? [] : ["", ...spreadLines(spread)]),
    "",
    "Assumed:",
    ...assumptions.map((each) => `  ${each}`),
    ...(warnings.length > 0 ? ["", "Declared, and perhaps not meant:"] : []),
    ...warnings.map(({ pointer, detail }) => `  ${pointer}: ${detail}`),
    ...(run.discords.length > 0 ? ["", "Faults of the simulation itself:"] : []),
    ...run.discords.slice(0, discordsShown).map(({ host, what }) => `  ${host}: ${what}`),
  ];
}

const discordsShown = 10;
const orderOfWaves = "wave-promotion"; // the gate of what every wave but the first waits for: the table shows it

function rolloutLines(rollout: RolloutOutcome, totalMs: number): string[] {
  const { rolloutId, from, ref, hosts, policy, waves, blast, unstaged, state } = rollout;
  const waits = rollout.waits.filter(({ gate }) => gate !== orderOfWaves);
  const inNoWave = unstaged > 0 ? [`${count(unstaged, "host")} of the channel in no wave: never dispatched`] : [];
  if (hosts === 0) return [`${rolloutId}: ${from} -> ${ref}, no hosts: it is ${state} as it opens`, ...inNoWave];
  return [
    `${rolloutId}: ${from} -> ${ref}, ${count(hosts, "host")} in ${count(waves.length, "wave")}, ${policy}`,
    "",
    ...waveTable(rollout),
    "",
    ...timelineOf({ ...rollout, waits }, totalMs),
    "",
    ...verdictLines(rollout),
    `Blast radius: ${blast.touched} of ${count(hosts, "host")} touched, ${blast.failed} failed, ${blast.reverted} reverted; ${blast.running} run ${ref} at the end${
      blast.leftFailed > 0 ? `, ${blast.leftFailed} failed and did not go back` : ""
    }`,
    ...inNoWave,
    ...(waits.length > 0
      ? [
          "Held back by:",
          ...table(
            ["", "GATE", "FOR", "TIMES", "FIRST"],
            waits.map(({ gate, totalMs: held, spans, detail }) => [
              "",
              gate,
              durationText(held),
              String(spans.length),
              detail,
            ]),
          ),
        ]
      : []),
  ];
}

function waveTable({ waves }: RolloutOutcome): string[] {
  const hasOthers = waves.some(({ counts }) => counts.pending + counts.other > 0);
  return table(
    [
      "WAVE",
      "HOSTS",
      "STARTED",
      "ENDED",
      "CONVERGED",
      "FAILED",
      "REVERTED",
      "EXCUSED",
      ...(hasOthers ? ["OTHERS"] : []),
    ],
    waves.map(({ name, hosts, startedMs, endedMs, counts }) => [
      name,
      String(hosts),
      timeText(startedMs),
      timeText(endedMs),
      String(counts.converged),
      String(counts.failed),
      String(counts.reverted),
      String(counts.excused),
      ...(hasOthers ? [othersText(counts)] : []),
    ]),
  );
}

function othersText({ pending, other }: RolloutOutcome["waves"][number]["counts"]): string {
  return [...(pending > 0 ? [`${pending} pending`] : []), ...(other > 0 ? [`${other} under way`] : [])].join(", ");
}

function verdictLines({ state, endedMs, halt, ref, channel, stuckOn, control }: RolloutOutcome): string[] {
  if (halt !== null) {
    const { atMs, host, wave, why, policy, isQuarantined } = halt;
    const who = host === null ? "a host" : host;
    return [
      `Stopped after ${durationText(atMs)} by ${policy}: ${who} failed in ${waveNamed(wave)} (${why})${
        isQuarantined ? `; ${ref} is quarantined on ${channel}` : ""
      }. It is ${state}.`,
    ];
  }
  if (endedMs !== null) return [`${state} after ${durationText(endedMs)}`];
  const where = control === "Running" ? state : `${state}, ${control}`;
  return [`Did not end: it is ${where}. What it waits for:`, ...stuckOn.map((each) => `  ${each}`)];
}

function spreadLines(spread: Spread): string[] {
  const { runs, completed, halted, unfinished, durationMs, haltedAfterMs, touched, failed, reverted } = spread;
  const times = (of: string, quantiles: Quantiles | null) =>
    quantiles === null ? [] : [quantileRow(of, quantiles, durationText)];
  return [
    `${count(runs, "run")}: ${percent(completed)} completed, ${percent(halted)} stopped by the policy, ${percent(unfinished)} did neither`,
    ...table(
      ["", "P5", "P50", "P95"],
      [
        ...times("until it was complete", durationMs),
        ...times("until it was stopped", haltedAfterMs),
        quantileRow("hosts touched", touched, String),
        quantileRow("hosts failed", failed, String),
        quantileRow("hosts reverted", reverted, String),
      ],
    ),
  ];
}

function quantileRow(of: string, { p5, p50, p95 }: Quantiles, text: (value: number) => string): string[] {
  return [of, text(p5), text(p50), text(p95)];
}

function timeText(ms: number | null): string {
  return ms === null ? "-" : durationText(ms);
}

function count(number: number, of: string): string {
  return `${number} ${of}${number === 1 ? "" : "s"}`;
}

/** Rows under their headings, each column as wide as it must be. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
