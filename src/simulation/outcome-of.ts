import { lossText } from "../../machines/rollout/waves.ts";
import type { RolloutRecord } from "../fleet/control-plane.ts";
import { nameByPlace } from "../planning/wave-name.ts";
import type { Agent } from "./agents.ts";
import type { Blast, Halt, RolloutOutcome, Wait, WaveOutcome } from "./outcome.ts";
import type { RecordedRollout } from "./recorder.ts";

/** What has come of one rollout: what the control plane says of it at the end, with what was recorded on the way. */
export function outcomeOf(given: {
  record: RolloutRecord;
  recorded: RecordedRollout;
  agents: readonly Agent[];
  startsAt: number;
  endsAt: number;
  isQuarantined: boolean;
  stuckOn: readonly string[];
}): RolloutOutcome {
  const { record, recorded, agents, startsAt, endsAt, stuckOn } = given;
  const { plan } = recorded;
  const after = (at: number | null) => (at === null ? null : at - startsAt);
  return {
    rolloutId: record.rolloutId,
    channel: record.channel,
    ref: record.targetRef,
    from: recorded.from,
    state: record.state,
    control: record.control,
    hosts: plan.waves.reduce((sum, { hosts }) => sum + hosts.length, 0),
    unstaged: plan.unstaged.length,
    openedMs: recorded.openedAt - startsAt,
    endedMs: after(recorded.endedAt),
    policy: plan.policy.onHealthFailure,
    waves: wavesOf(record, recorded, after),
    halt: haltOf(given),
    blast: blastOf(record, recorded, agents),
    waits: waitsOf(recorded, { startsAt, endsAt: recorded.endedAt ?? endsAt }),
    stuckOn: [...stuckOn],
  };
}

function wavesOf(
  record: RolloutRecord,
  recorded: RecordedRollout,
  after: (at: number | null) => number | null,
): WaveOutcome[] {
  return recorded.plan.waves.map(({ name, hosts, soakMs, approvals }, index) => {
    const counted = record.waves[index];
    const of = (...states: ("Converged" | "Failed" | "Reverted" | "Excused" | "Pending")[]) =>
      states.reduce((sum, state) => sum + (counted?.[state] ?? 0), 0);
    const { startedAt = null, activatedAt = null, endedAt = null, revertedAt = null } = recorded.waves[index] ?? {};
    return {
      name,
      hosts: hosts.length,
      soakMs,
      approvals,
      startedMs: after(startedAt),
      activatedMs: after(activatedAt),
      endedMs: after(endedAt),
      revertedMs: after(revertedAt),
      counts: {
        converged: of("Converged"),
        failed: of("Failed"),
        reverted: of("Reverted"),
        excused: of("Excused"),
        pending: of("Pending"),
        other: hosts.length - of("Converged", "Failed", "Reverted", "Excused", "Pending"),
      },
    };
  });
}

function haltOf(given: {
  record: RolloutRecord;
  recorded: RecordedRollout;
  startsAt: number;
  isQuarantined: boolean;
}): Halt | null {
  const { record, recorded, startsAt, isQuarantined } = given;
  const { failure } = record;
  const { halted } = recorded;
  if (halted === null || failure === null) return null;
  const wave = recorded.plan.waves[failure.wave];
  return {
    atMs: halted.at - startsAt,
    state: record.state,
    policy: recorded.plan.policy.onHealthFailure,
    host: failure.host,
    wave: wave?.name ?? nameByPlace(failure.wave),
    maxFailures: wave?.maxFailures ?? 0,
    why: wave === undefined ? "" : lossText({ failures: halted.failures, hosts: wave.hosts.length, rules: wave }),
    isQuarantined,
  };
}

function blastOf({ targetRef }: RolloutRecord, recorded: RecordedRollout, agents: readonly Agent[]): Blast {
  const { touched, failed, reverted } = recorded;
  const stays = (host: string) => !reverted.has(host);
  return {
    touched: touched.size,
    failed: failed.size,
    reverted: reverted.size,
    leftFailed: [...failed].filter(stays).length,
    running: agents.filter(({ host, version }) => touched.has(host) && version === targetRef).length,
  };
}

function waitsOf(recorded: RecordedRollout, { startsAt, endsAt }: { startsAt: number; endsAt: number }): Wait[] {
  return recorded.waits.until(endsAt).map(({ gate, detail, spans }) => ({
    gate,
    detail,
    totalMs: spans.reduce((sum, { from, to }) => sum + to - from, 0),
    spans: spans.map(({ from, to }) => ({ fromMs: from - startsAt, toMs: to - startsAt })),
  }));
}
