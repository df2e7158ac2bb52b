import type { GateVerdict } from "../plan-types.ts";
import { waveText } from "../wave-name.ts";
import { verdict, type HostView } from "./gate.ts";

/** An enforce probe fails now on a host of an earlier wave. */
export function complianceWave(view: Pick<HostView, "plan" | "wave" | "failuresBefore">): readonly GateVerdict[] {
  const { plan, wave, failuresBefore } = view;
  const failures = wave === null ? null : failuresBefore(wave);
  if (failures === null) return [];
  const { hosts, first } = failures;
  const others = hosts > 1 ? ` and on ${hosts - 1} more of the waves before` : "";
  const detail = `Enforced probes fail on ${first.host} of ${waveText(plan.waves, first.wave)}${others}. It opens when they pass, or when the rollout halts.`;
  return [verdict("compliance-wave", first.since, detail)];
}
