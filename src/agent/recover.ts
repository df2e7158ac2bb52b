import type { CallName } from "../../machines/host/events.ts";
import type { OrderOf } from "./control-plane.ts";
import type { LocalHost } from "./local-hosts.ts";

export type Dispatch = OrderOf<"dispatch">["dispatch"];

/** The version that converged here last, is not quarantined, and is not the one that is to be tried; null when there is none. */
export function knownGood(
  hosts: readonly LocalHost[],
  { channel, target }: Pick<Dispatch, "channel" | "target">,
  quarantined: readonly string[],
): string | null {
  const good = hosts
    .filter(isGood)
    .map(({ context }) => context)
    .filter((each) => each.channel === channel && each.target !== target && !quarantined.includes(each.target));
  return good.toSorted((a, b) => (b.convergedAt ?? 0) - (a.convergedAt ?? 0))[0]?.target ?? null;
}

/** Its version has converged here, and nothing was wrong with it afterwards. */
export function isGood({ context }: Pick<LocalHost, "context">): boolean {
  return context.convergedAt !== null && context.failure === null;
}

/** How an instance is made again of which only the control plane has records. */
export interface Recovered {
  dispatch: Dispatch;
  /** What the numbers of its stream begin after. */
  base: number;
  /** What it hears first; what comes after is told under the next numbers. */
  events: ({ type: string } & Record<string, unknown>)[];
}

const lost = "the agent has lost its records of this host";

/**
 * Nothing was told but the acknowledgement: it goes on from there. Otherwise what was done and what not is not known any more,
 * and that is told as a failure, so that the policy decides; an instance that had converged or failed is made as it was. Undefined
 * where there is nothing to go on with.
 */
export function recovered(order: OrderOf<"recover">, now: number): Recovered | undefined {
  const { dispatch, acknowledged, seq, state } = order;
  const taken = { type: "dispatch.acknowledged", ...acknowledged, observedAt: now };
  const failed = (call: CallName) => ({ type: "agent.failed", call, reason: lost, observedAt: now });
  switch (state) {
    case "Activating":
      return seq === 1
        ? { dispatch, base: 0, events: [taken] }
        : { dispatch, base: seq - 1, events: [taken, failed("activate")] };
    case "Deferred":
      return { dispatch, base: seq - 1, events: [taken, failed("awaitReboot")] };
    case "Soaking":
      return { dispatch, base: seq - 1, events: [taken, failed("probe")] };
    case "Failed": // it was told already; what follows from it was not
      return { dispatch, base: seq - 2, events: [taken, failed("activate")] };
    case "Converged": {
      const { target } = dispatch;
      const events = [
        taken,
        { type: "activation.completed", observedVersion: target, observedAt: now },
        { type: "host.converged", version: target, observedAt: now },
      ];
      return { dispatch: { ...dispatch, soakMs: 0 }, base: seq - events.length, events };
    }
    default:
      return undefined;
  }
}
