import type { GateView, RolloutHostView, RolloutView } from "../operations/rollout-schemas.ts";
import { waveText } from "../planning/wave-name.ts";
import { bar, countsText, legendOf, sumOfCounts } from "./rollout-bar.ts";

const cells = 40;
const hostsShown = 6; // the rest is counted: a picture fits a terminal

/**
 * A rollout as lines: each wave as a bar, the hosts that are offered their dispatch, on their way or failed, what it waits
 * for.
 */
export function statusLines(rollout: RolloutView, moving: readonly RolloutHostView[]): string[] {
  const names = rollout.waves.map(({ name }) => name.length);
  const width = Math.max(0, ...names);
  return [
    headline(rollout),
    ...rollout.waves.map((wave) => `  ${markOf(wave.state)} ${wave.name.padEnd(width)}  ${hostsText(wave)}`),
    ...hostLines(moving),
    ...waitsOf(rollout).map((wait) => `  waits for  ${wait}`),
    ...(rollout.waves.length > 0 ? [`  ${legendOf(sumOfCounts(rollout.waves.map(({ counts }) => counts)))}`] : []),
  ];
}

/** The same as one line: a log of them tells what happened. Of what holds it the first is named, in its first sentence. */
export function statusLine(rollout: RolloutView): string {
  const { waves } = rollout;
  const counts = waves.length > 0 ? [countsText(sumOfCounts(waves.map((wave) => wave.counts)))] : [];
  const wait = firstWaitOf(rollout);
  const waits = wait === undefined ? [] : [`waits for ${wait.split(". ", 1)[0]}`];
  return [headline(rollout), ...counts, ...waits].join("  ");
}

/** How it came to its end; undefined as long as it may go on by itself. */
export function endOf({ state }: Pick<RolloutView, "state">): "asked" | "otherwise" | undefined {
  if (state === "Terminal") return "asked";
  return ["Reverted", "Failed", "Superseded", "Pruned"].includes(state) ? "otherwise" : undefined;
}

/** On its way, offered its dispatch, or to be looked at by somebody. */
export function isMoving({ state, isOffered }: Pick<RolloutHostView, "state" | "isOffered">): boolean {
  return isOffered || state !== "Pending";
}

/** States of hosts of which some move. */
export const movingStates = ["Activating", "Soaking", "Deferred", "Failed", "Pending"] as const;

/** Everything that holds a rollout back, the most general first. */
export function waitsOf(rollout: RolloutView): string[] {
  const { control, paused, gates, state, cleared } = rollout;
  if (state === "Failed" || state === "Reverted") return cleared === null ? [haltText(rollout)] : []; // no gate matters any more
  if (state === "Superseded" || state === "Pruned") return [];
  return [
    ...(control === "Paused" && paused !== null ? [pauseText(paused)] : []),
    ...(control === "AwaitingApproval" ? [approvalText(rollout)] : []),
    ...gates.filter(({ gate }) => gate !== "paused" || control === "Running").map(gateText), // else it is said already
  ];
}

/** Of all that the most general; undefined: only the hosts that are on their way. */
export function firstWaitOf(rollout: RolloutView): string | undefined {
  return waitsOf({ ...rollout, gates: rollout.gates.filter(isWorthSaying) })[0];
}

/** That later waves wait for the one that is under way goes without saying where there is room for one reason. */
export function isWorthSaying({ gate }: GateView): boolean {
  return gate !== "wave-promotion";
}

/** "disruption-budget: 5 of 5 are out (since 12:00:03)" */
export function gateText({ gate, since, detail }: GateView): string {
  return `${gate}: ${detail} (since ${since})`;
}

/** "stable@v42  Active, Paused  wave early (2 of 3)" */
function headline({ rolloutId, state, control, currentWave, waves, endedBy, supersededBy }: RolloutView): string {
  const how = control === "Running" || control === "Over" ? state : `${state}, ${control}`;
  const by = supersededBy === null ? endedBy : `by ${supersededBy}`;
  const end = state === "Superseded" && by !== null ? ` (${by})` : "";
  const current = waves[currentWave];
  const where =
    current === undefined ? "" : `  ${waveText(waves, currentWave)} (${currentWave + 1} of ${waves.length})`;
  return `${rolloutId}  ${how}${end}${where}`;
}

function markOf(state: string): string {
  if (state === "current") return ">";
  return state === "done" ? "+" : " ";
}

function hostsText(wave: RolloutView["waves"][number]): string {
  return wave.hosts === 0 ? "no hosts" : `[${bar(wave.counts, cells)}]  ${countsText(wave.counts)}`;
}

function hostLines(moving: readonly RolloutHostView[]): string[] {
  const failed = moving.filter(({ state }) => state === "Failed");
  const others = moving.filter(({ state }) => state !== "Failed");
  return [
    ...(others.length > 0 ? [`  in flight  ${some(others.map(inFlightText))}`] : []),
    ...failed
      .slice(0, hostsShown)
      .map(({ host, failure }) => `  failed     ${host}: ${failure?.reason ?? "not known why"}`),
    ...(failed.length > hostsShown ? [`  failed     and ${failed.length - hostsShown} more`] : []),
  ];
}

function some(texts: readonly string[]): string {
  const more = texts.length - hostsShown;
  return `${texts.slice(0, hostsShown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function pauseText({ by, reason, at }: NonNullable<RolloutView["paused"]>): string {
  return `somebody to resume it: paused by ${by}${reason === null ? "" : `, ${reason}`} (since ${at})`;
}

function approvalText({ waves, currentWave, approvals, since }: RolloutView): string {
  const next = waves.findIndex((wave, index) => index >= currentWave && wave.state !== "done" && wave.approvals > 0);
  const wave = waves[next];
  const given = approvals[String(next)] ?? [];
  const names = given.length > 0 ? ` by ${given.map(({ by }) => by).join(", ")}` : "";
  const count = `${given.length} of ${wave?.approvals ?? 0}${names}`;
  const what = wave === undefined ? "the next wave" : `${waveText(waves, next)} (${count})`;
  return `approval of ${what} (since ${since})`;
}

function haltText({ failure, waves }: RolloutView): string {
  const why =
    failure === null ? "" : `: ${failure.host ?? "a host"} came to ${failure.to} in ${waveText(waves, failure.wave)}`;
  return `a newer ref, a retry or an undo; it was halted${why}`;
}

function inFlightText({ host, state, isOffered, isUnreachable }: RolloutHostView): string {
  return `${host} ${isOffered ? "offered" : state}${isUnreachable ? " (its agent is not heard)" : ""}`;
}
