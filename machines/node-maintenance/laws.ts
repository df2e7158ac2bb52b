import type { Refusal } from "../../src/core/law.ts";
import { describeBlockers, isKnownDrained, type NodeContext } from "./context.ts";
import type { NodeEvent, NodeEventOf } from "./events.ts";
import { isValidSuccessor, type StateName } from "./successors.ts";

/** The rules of node maintenance by guard name. */
export const laws = {
  /** A node of a maintenance group enters only with the group's slots, which one operation takes in the same transaction. */
  holdsSlots(context: NodeContext, event: NodeEventOf<"maintenance.enter">): Refusal | undefined {
    const missing = context.groups.filter((group) => !event.slots?.includes(group));
    if (missing.length === 0) return undefined;
    return {
      code: "slot-required",
      detail: `${context.node} may only be drained with a slot of ${missing.join(", ")}.`,
      data: { groups: missing },
      hint: `POST /v1/nodes/${encodeURIComponent(context.node)}/maintenance/enter`,
    };
  },

  isForced(context: NodeContext, event: NodeEventOf<"maintenance.exit">): Refusal | undefined {
    return event.force === true ? undefined : { code: "not-forced", detail: `${context.node} is not asked to hurry.` };
  },

  /** Out of a failed drain: what still runs there stays where it is, which only an operator may decide. */
  isForcedOrDrained(context: NodeContext, event: NodeEventOf<"maintenance.exit">): Refusal | undefined {
    if (event.force === true || isKnownDrained(context.blockers)) return undefined;
    return {
      code: "force-required",
      detail: `${context.node} is not drained: ${describeBlockers(context.blockers)}. Leaving maintenance needs force.`,
      data: { blockers: context.blockers },
      hint: "maintenance.exit with force",
    };
  },

  asksForCordon(context: NodeContext, event: NodeEventOf<"maintenance.exit">): Refusal | undefined {
    if (event.keepCordoned === true && !context.cordonedByOperator) return undefined;
    return { code: "not-asked", detail: "Nothing is asked that does not hold already." };
  },

  isOfThisWindow(context: NodeContext, event: Progressed): Refusal | undefined {
    return event.epoch === undefined || event.epoch === context.epoch ? undefined : staleEpoch(context, event.epoch);
  },

  reportsDrained(context: NodeContext, event: NodeEventOf<"drain.progressed">): Refusal | undefined {
    const stale = laws.isOfThisWindow(context, event);
    if (stale !== undefined || isKnownDrained(event)) return stale;
    return { code: "not-drained", detail: `${context.node}: ${describeBlockers(event)}.` };
  },

  reportsFirstDrained(context: NodeContext, event: NodeEventOf<"drain.progressed">): Refusal | undefined {
    const refusal = laws.reportsDrained(context, event);
    if (refusal !== undefined || context.blockers === "unknown") return refusal;
    return { code: "known", detail: `${context.node} is known to be empty.` };
  },

  reportsNoneWaiting(context: NodeContext, event: NodeEventOf<"daemons.progressed">): Refusal | undefined {
    const stale = laws.isOfThisWindow(context, event);
    if (stale !== undefined || event.waiting.length === 0) return stale;
    return { code: "still-waiting", detail: `${event.waiting.join(", ")} on ${context.node} are not healthy yet.` };
  },

  leavesNothing(context: NodeContext, event: DrainDone): Refusal | undefined {
    if (isKnownDrained(event.output)) return undefined;
    return { code: "not-drained", detail: `${context.node}: ${describeBlockers(event.output)}.` };
  },

  /** An observation that says `to`, made in `from`: of this window, and a step that the rank graph allows. */
  observes(
    context: NodeContext,
    event: Observed,
    { from, to }: { from: StateName; to: StateName },
  ): Refusal | undefined {
    const { epoch, state } = event;
    if (epoch < context.epoch) return staleEpoch(context, epoch);
    const opensWindow = from === "Active" && epoch === context.epoch + 1;
    if (epoch > context.epoch && !opensWindow) return unknownEpoch(context, epoch);
    if (!isValidSuccessor(from, state.name)) return invalidSuccessor(context, from, state.name);
    if (from === "Active" && state.name !== "Active" && !opensWindow) return staleEpoch(context, epoch);
    return state.name === to
      ? undefined
      : { code: "other-state", detail: `The observation says ${state.name}, not ${to}.` };
  },

  observesReason(context: NodeContext, event: Observed): Refusal | undefined {
    const self = { from: "EnteringMaintenance", to: "EnteringMaintenance" } as const;
    const refusal = laws.observes(context, event, self);
    if (refusal !== undefined || (event.state.reason !== undefined && context.requestedReason === null)) return refusal;
    return { code: "nothing-new", detail: "The observation says nothing that is not known." };
  },

  isAbort(_: NodeContext, event: NodeEvent): Refusal | undefined {
    return event.type === "maintenance.abort" ? undefined : { code: "not-aborting", detail: "No abort is under way." };
  },

  isRetry(_: NodeContext, event: NodeEvent): Refusal | undefined {
    return event.type === "maintenance.retry" ? undefined : { code: "not-retrying", detail: "No retry is under way." };
  },

  isHeldByOperator(context: NodeContext): Refusal | undefined {
    return context.cordonedByOperator
      ? undefined
      : { code: "not-held", detail: `No operator holds ${context.node} cordoned.` };
  },
};

type Observed = NodeEventOf<"maintenance.observed">;
type Progressed = NodeEventOf<"drain.progressed"> | NodeEventOf<"daemons.progressed">;
interface DrainDone {
  type: string;
  output: { replicas: readonly string[]; daemons: readonly string[] };
}

function staleEpoch({ node, epoch }: NodeContext, reported: number): Refusal {
  return {
    code: "stale-epoch",
    detail: `This is about window ${reported} of ${node}, which is over or not this one; the node is at window ${epoch}.`,
    data: { epoch: reported, current: epoch },
  };
}

function unknownEpoch({ node, epoch }: NodeContext, reported: number): Refusal {
  return {
    code: "unknown-epoch",
    detail: `This is about window ${reported} of ${node}, which has not begun here; the node is at window ${epoch}.`,
    data: { epoch: reported, current: epoch },
  };
}

function invalidSuccessor({ node }: NodeContext, from: StateName, to: StateName): Refusal {
  return {
    code: "invalid-successor",
    detail: `${node} is in ${from}, and ${to} cannot follow: the observation is late or mistaken.`,
    data: { from, to },
  };
}
