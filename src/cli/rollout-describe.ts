import { countsText } from "./rollout-bar.ts";
import type { RolloutView } from "../operations/rollout-schemas.ts";
import { formatDuration } from "../planning/duration.ts";
import { waveText } from "../planning/wave-name.ts";
import type { ExplainedHost } from "./rollout-explain.ts";
import { gateText, waitsOf } from "./rollout-status.ts";

/** A rollout for people: where it is, its waves with their rules, and what it waits for. */
export function describeRollout(rollout: RolloutView): string[] {
  const { rolloutId, channel, targetRef, state, control, since, waves, cleared, supersededBy, endedBy } = rollout;
  return [
    `${rolloutId}  ${targetRef} over ${channel}`,
    `  state   ${state} since ${since}${control === "Running" || control === "Over" ? "" : `, ${control}`}`,
    `  opened  ${rollout.openedAt} (journal ${rollout.openedSeq}), last moved with ${rollout.lastTransitionSeq}`,
    ...(rollout.terminalAt === null ? [] : [`  done    ${rollout.terminalAt}`]),
    ...(rollout.supersededAt === null
      ? []
      : [`  over    ${rollout.supersededAt} (${supersededBy === null ? (endedBy ?? "") : `by ${supersededBy}`})`]),
    ...(rollout.planHash === null ? [] : [`  plan    ${rollout.planHash}`]),
    ...waves.map(
      (wave, index) => `  ${waveText(waves, index)}: ${wave.state}, ${countsText(wave.counts)}${rulesOf(wave)}`,
    ),
    ...Object.entries(rollout.approvals).map(
      ([wave, given]) => `  approved  ${waveText(waves, Number(wave))} by ${namesOf(given)}`,
    ),
    ...(cleared === null ? [] : [`  cleared by ${cleared.by}: ${cleared.reason}`]),
    ...waitsOf(rollout).map((wait) => `  waits   ${wait}`),
  ];
}

export function describeHost(host: ExplainedHost): string[] {
  const { gates, waitingFor, failure, excused, nextAt, countedAs, state } = host;
  const counted = countedAs === state ? "" : `, counted as ${countedAs}`;
  const isHeld = gates.length > 0;
  return [
    `${host.host} in ${host.rolloutId}, ${host.waveName}`,
    `  state   ${state}${host.since === null ? "" : ` since ${host.since}`}${counted}${host.isOffered ? ", offered" : ""}`,
    ...(host.observedVersion === null ? [] : [`  runs    ${host.observedVersion}`]),
    ...(host.isUnreachable ? ["  its agent is not heard"] : []),
    ...(excused === null ? [] : [`  excused by ${excused.by}: ${excused.reason}`]),
    ...(failure === null ? [] : [`  failed  ${failure.kind}: ${failure.reason}`, ...saidLast(failure.stderrTail)]),
    ...gates.map((gate) => `  held    ${gateText(gate)}`),
    ...waitingFor.map((wait) => `  waits   ${wait}`),
    ...(isHeld && nextAt !== null ? [`  looked at again ${nextAt}, or when something changes`] : []),
    ...(isHeld || state !== "Pending" ? [] : ["  no gate holds it"]),
  ];
}

const linesMax = 5; // the whole of it is in the answer to --json

function saidLast(stderrTail: string | null): string[] {
  const lines = (stderrTail ?? "").trimEnd().split("\n").filter(Boolean);
  return lines.slice(-linesMax).map((line) => `  stderr  ${line}`);
}

function rulesOf(wave: RolloutView["waves"][number]): string {
  const { soakMs, approvals, maxFailures, minConverged } = wave;
  const rules = [
    ...(soakMs > 0 ? [`soak ${formatDuration(soakMs)}`] : []),
    ...(approvals > 0 ? [`approvals ${approvals}`] : []),
    ...(maxFailures !== 0 ? [`bears ${maxFailures} failed`] : []),
    ...(minConverged > 1 ? [`at least ${minConverged} converged`] : []),
  ];
  return rules.length === 0 ? "" : ` (${rules.join(", ")})`;
}

function namesOf(given: readonly { by: string }[]): string {
  return given.map(({ by }) => by).join(", ");
}
