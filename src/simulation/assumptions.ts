import { formatDuration } from "../planning/duration.ts";
import type { Fleet } from "../planning/fleet.ts";
import type { RunOutcome } from "./outcome.ts";
import type { Settings } from "./settings.ts";
import { durationText } from "./time-text.ts";

/** What a simulation takes for granted, in sentences: its figures hold as far as these do. */
export function assumptionsOf(settings: Settings, fleet: Fleet, { rollouts }: RunOutcome): string[] {
  const { behaviour, approveAfterMs, channels } = settings;
  const { failureRate, unreachable, activationMs } = behaviour;
  const { from, to } = activationMs;
  const froms = [...new Set(rollouts.map((each) => each.from))];
  const asksForApproval = rollouts.some(({ waves }) => waves.some(({ approvals }) => approvals > 0));
  const others = [...fleet.channels.keys()].filter((each) => !channels.includes(each));
  return [
    `every host ran ${froms.join(" or ")} and can go back to it; an activation, and a way back, takes ${
      from === to ? formatDuration(from) : `${formatDuration(from)} to ${formatDuration(to)}, each length as likely`
    }, in whole seconds`,
    failureRate === 0
      ? "the version fails nowhere"
      : `the version fails on ${percent(failureRate)} of the hosts, whatever else is true of them: half of them while it is activated, half by a probe that fails from then on`,
    unreachable === 0
      ? "every agent is there all the time"
      : `${percent(unreachable)} of the hosts are never heard of, the others are there all the time`,
    ...(asksForApproval
      ? [
          approveAfterMs === null
            ? "nobody approves"
            : `approvals are given ${approveAfterMs === 0 ? "at once" : `after ${durationText(approveAfterMs)}`}, by as many people as it takes`,
        ]
      : []),
    ...(others.length > 0 ? [`nothing else happens: the newest rollouts of ${others.join(", ")} are Terminal`] : []),
    "probes are seen once as an activation ends; there is no network, no clock skew, no reboot and no node maintenance",
  ];
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))}%`;
}
