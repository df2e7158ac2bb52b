import type { RolloutContext } from "./context.ts";
import { describeFailure, describePause } from "./laws.ts";
import {
  approvalsMissing,
  hostsOf,
  isBeyondTolerance,
  isWaveSettled,
  neededOf,
  nextWave,
  toleranceOf,
  waveOf,
  waveText,
  type Wave,
} from "./waves.ts";

/** What a person looking at a rollout should know beside its state: what it waits for, in plain words. */
export function notes(context: RolloutContext, state: string): string[] {
  const { reason } = context;
  const opened = reason == null || state === "Pruned" ? [] : [`opened because: ${reason}`];
  return [...notesIn(context, state), ...opened];
}

function notesIn(context: RolloutContext, state: string): string[] {
  switch (state) {
    case "Opening":
    case "Active":
      return [...waveNotes(context), ...approvalNotes(context, context.currentWave), ...holdNotes(context)];
    case "Converging":
      return [...nextWaveNotes(context), ...approvalNotes(context, nextWave(context)), ...holdNotes(context)];
    case "Failed":
    case "Reverted":
      return [...haltNotes(context), ...planNotes(context)];
    case "Terminal":
    case "Superseded":
      return [...endNotes(context), ...planNotes(context)];
    default:
      return []; // Pruned
  }
}

const wavesToldMax = 3; // of those behind the current one: more would hide the rest of what is said

/** The current wave, and those before it in which a host has begun again or has gone. */
export function waveNotes(context: RolloutContext): string[] {
  const { waves, currentWave } = context;
  if (waves === null) return ["nobody has said how many hosts it has: it is driven by its events alone"];
  const behind = waves.flatMap((_, number) =>
    number < currentWave && !isWaveSettled(context, number) ? [number] : [],
  );
  const told = [currentWave, ...behind.slice(0, wavesToldMax)].map((number) => waveOf(context, number));
  const more = behind.length > wavesToldMax ? [`${behind.length - wavesToldMax} more waves are not settled`] : [];
  const deferred = waves.reduce((sum, { Deferred }) => sum + Deferred, 0);
  return [
    ...told.flatMap((wave) => (wave === undefined ? [] : [waveNote(context, wave)])),
    ...more,
    ...(deferred > 0 ? [`${hosts(deferred)} waiting for a reboot`] : []),
  ];
}

/** What a wave still lacks, as far as its counters tell. */
function waveNote(context: RolloutContext, wave: Wave): string {
  const { number, counters, rules, failures, settled } = wave;
  const said = [`${waveText(context, number)}: ${settled} of ${hosts(wave.hosts)} settled`];
  if (failures > 0) said.push(`${failures} failed (${toleranceOf(rules.maxFailures, wave.hosts)} borne)`);
  if (counters.Excused > 0) said.push(`${counters.Excused} excused`);
  if (counters.Released > 0) said.push(`${counters.Released} released without having converged`);
  if (settled === wave.hosts && counters.Converged < neededOf(wave)) said.push(lacking(wave));
  return said.join(", ");
}

function lacking(wave: Wave): string {
  const has = `${wave.counters.Converged} of at least ${neededOf(wave)} converged`;
  if (!isBeyondTolerance(wave)) return has;
  return `${has}, and no host is left that could: an excused one has to be seen again, or somebody has to cancel`;
}

function nextWaveNotes(context: RolloutContext): string[] {
  const { currentWave } = context;
  const next = nextWave(context);
  if (!isWaveSettled(context, currentWave)) return waveNotes(context); // a host that was done has begun again
  if (next === undefined) return [`${waveText(context, currentWave)} is settled`];
  const [counters] = (context.waves ?? []).slice(next);
  const has = hosts(counters === undefined ? 0 : hostsOf(counters));
  return [`${waveText(context, currentWave)} is settled; ${waveText(context, next)} has ${has}`];
}

function approvalNotes(context: RolloutContext, wave: number | undefined): string[] {
  const missing = approvalsMissing(context, wave);
  if (wave === undefined || missing === 0) return [];
  const given = (context.approvals[wave] ?? []).map(({ by }) => by);
  const so = given.length === 0 ? "" : ` (given by ${given.join(", ")})`;
  return [`${waveText(context, wave)} lacks ${missing} of ${context.rules[wave]?.approvals} approvals${so}`];
}

function holdNotes(context: RolloutContext): string[] {
  const paused = context.paused === null ? [] : [describePause(context, context.paused)];
  const gates = context.gates
    .filter(({ gate }) => gate !== "paused") // who paused it, and which approval it lacks, is said already
    .map(({ gate, detail }) => `held by ${gate}: ${detail}`);
  return [...paused, ...gates, ...planNotes(context)];
}

function planNotes({ planError }: RolloutContext): string[] {
  return planError === null ? [] : [`its planner failed: ${planError}; it is tried again`];
}

function haltNotes(context: RolloutContext): string[] {
  const { cleared, targetRef, channel, planHash } = context;
  const said = [describeFailure(context)];
  if (planHash !== null)
    said.push(`${targetRef} was quarantined on ${channel}; clearing that starts nothing again, a retry does both`);
  if (cleared !== null) said.push(`cleared by ${cleared.by}: ${cleared.reason}`);
  return [...said, ...underWayNotes(context), ...retentionNotes(context)];
}

function endNotes(context: RolloutContext): string[] {
  const { supersededBy, cancelled, terminalAt } = context;
  const said: string[] = [];
  if (supersededBy !== null) said.push(`superseded by ${supersededBy}`);
  if (cancelled !== null) said.push(`cancelled by ${cancelled.by}: ${cancelled.reason ?? "no reason given"}`);
  if (terminalAt !== null && cancelled === null && supersededBy !== null) said.push("it was complete");
  return [...said, ...underWayNotes(context), ...retentionNotes(context)];
}

/** Hosts on which something still goes on, whatever the rollout has come to. */
function underWayNotes({ waves }: RolloutContext): string[] {
  const sum = (waves ?? []).reduce(
    (total, { Activating, Deferred, Soaking }) => total + Activating + Deferred + Soaking,
    0,
  );
  return sum === 0 ? [] : [`${hosts(sum)} still under way`];
}

function retentionNotes({ planHash, retainedUntil }: RolloutContext): string[] {
  if (planHash === null || retainedUntil !== null) return [];
  return [
    "its retention is over: it is pruned as soon as it is neither the newest nor the last Terminal of its channel",
  ];
}

function hosts(count: number): string {
  return `${count} ${count === 1 ? "host" : "hosts"}`;
}
