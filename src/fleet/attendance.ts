import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { Clock } from "../core/clock.ts";
import { isFinal, isOver, type HostFacts } from "./facts.ts";
import type { Change, FleetIndex } from "./fleet-index.ts";
import type { Notices } from "./notices.ts";
import { createPresence } from "./presence.ts";

/** Tells the hosts of rollouts that are under way whether their agents are there. */
export interface Attendance {
  seen(host: string): void;
  /** Its agent has asked, not long ago. */
  isHeard(host: string): boolean;
  /** A person excuses a host: one whose agent is not there is missed from now on, so that it comes back when it asks. */
  excused(rolloutId: string, host: string): void;
  /** To be told after the index has changed. */
  changed(change: Change): void;
  start(): void;
  stop(): Promise<void>;
}

export function createAttendance(given: {
  index: FleetIndex;
  notices: Pick<Notices, "tell">;
  clock: Clock;
  absentAfterMs: number;
}): Attendance {
  const { index, notices, clock, absentAfterMs } = given;
  const presence = createPresence({ clock, absentAfterMs, onAbsent: missAll });

  /** Somebody waits for it: its rollout, or after that is over whoever comes after it on the host. */
  function isMissable(facts: HostFacts): boolean {
    const state = index.rollouts.get(facts.rolloutId)?.facts.state;
    if (state === undefined || isFinal(facts)) return false;
    if (isOver(state)) return facts.state === "Activating" || facts.isReleaseAsked;
    return state !== "Terminal" || facts.state !== "Converged";
  }

  function missAll(host: string): void {
    for (const facts of index.hostsNamed(host)) if (isMissable(facts)) miss(facts);
  }

  function miss({ rolloutId, host, isUnreachable }: HostFacts): void {
    if (!isUnreachable) notices.tell(hostIdOf(rolloutId, host), { type: "host.unreachable" });
  }

  function welcome({ rolloutId, host, isUnreachable, ...facts }: HostFacts): void {
    if (isUnreachable && !isFinal(facts)) notices.tell(hostIdOf(rolloutId, host), { type: "host.seen" });
  }

  function watchOrNot(host: string): void {
    if ([...index.hostsNamed(host)].some(isMissable)) presence.watch(host);
    else presence.unwatch(host);
  }

  return {
    seen(host) {
      presence.seen(host);
      for (const facts of index.hostsNamed(host)) welcome(facts);
    },

    isHeard: presence.hasAsked,

    excused(rolloutId, host) {
      if (!presence.hasAsked(host)) notices.tell(hostIdOf(rolloutId, host), { type: "host.unreachable" });
    },

    changed(change) {
      if (change.kind === "host") {
        const { after } = change;
        watchOrNot(after.host);
        if (presence.hasAsked(after.host))
          welcome(after); // what was told of it is older than what it asked
        else if (presence.isAbsent(after.host) && isMissable(after)) miss(after);
      }
      if (change.kind === "rollout" && change.before?.state !== change.after.state) {
        for (const host of index.rollouts.get(change.after.id)?.hosts.keys() ?? []) watchOrNot(host);
      }
    },

    start: presence.start,
    stop: presence.stop,
  };
}
