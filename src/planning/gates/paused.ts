import type { GateVerdict } from "../plan-types.ts";
import { waveText } from "../wave-name.ts";
import { verdict, type RolloutView } from "./gate.ts";

/** Hosts are dispatched while a rollout runs, and to catch up after it is Terminal and still the newest. */
export function paused(view: Pick<RolloutView, "rollout" | "plan">): readonly GateVerdict[] {
  const { rollout } = view;
  switch (rollout.state) {
    case "Opening":
    case "Active":
    case "Converging":
      return whileUnderWay(view);
    case "Terminal":
      if (rollout.isNewest) return [];
      return [verdict("paused", rollout.since, "A newer rollout of the channel dispatches to its hosts.")];
    case "Failed":
    case "Reverted":
      return [
        verdict(
          "paused",
          rollout.since,
          `The rollout is ${rollout.state}: nothing more is dispatched. A newer ref, a retry or an undo goes on.`,
        ),
      ];
    case "Superseded":
    case "Pruned":
      return [verdict("paused", rollout.since, `The rollout is ${rollout.state}: nothing more is dispatched, ever.`)];
    default:
      return rollout.state satisfies never;
  }
}

function whileUnderWay({ rollout, plan }: Pick<RolloutView, "rollout" | "plan">): readonly GateVerdict[] {
  const { control, controlSince, paused } = rollout;
  switch (control) {
    case "Running":
      return [];
    case "Paused": {
      const by = paused?.by === undefined ? "" : ` by ${paused.by}`;
      const reason = paused?.reason == null ? "" : `: ${paused.reason}`;
      return [verdict("paused", controlSince, `Paused${by}${reason}. It goes on when somebody resumes it.`)];
    }
    case "AwaitingApproval":
      return [
        verdict("paused", controlSince, `${approvalText(rollout, plan)} It goes on when enough people have approved.`),
      ];
    case "Over":
      return [verdict("paused", controlSince, "The rollout is over: nothing more is dispatched.")];
    default:
      return control satisfies never;
  }
}

/** What is to be approved is the wave that comes next; before anything is dispatched, the current one. */
function approvalText({ state, currentWave }: RolloutView["rollout"], plan: RolloutView["plan"]): string {
  const next = plan.waves.findIndex(({ hosts }, wave) => wave > currentWave && hosts.length > 0);
  const wave = state === "Converging" && next >= 0 ? next : currentWave;
  const needed = plan.waves[wave]?.approvals ?? 0;
  const people = needed === 1 ? "the approval of one person" : `the approvals of ${needed} people`;
  return needed === 0 ? "It waits for an approval." : `${capital(waveText(plan.waves, wave))} needs ${people}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
