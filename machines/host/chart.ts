import { and, cancel, not } from "xstate";
import { initialContext, type HostContext } from "./context.ts";
import type { HostState } from "./states.ts";
import { vocabulary, type Dispatch } from "./vocabulary.ts";

/** Every state says which it is: a context cannot know, and what is told of a host needs it. */
const enters = (state: HostState) => [{ type: "stand", params: { state } } as const, "tell" as const];
const dispatchOf = ({ rolloutId, host, target }: HostContext): Dispatch => ({ rolloutId, host, target });

/**
 * A host in a rollout: it is offered a version, activates it, soaks under its probes, and converges; or it fails, and goes
 * back where it can. The same chart runs in the control plane and in the agent of the host: what the agent tells moves
 * both, what the control plane orders moves both, and neither has a timer that could race the other.
 */
export const chart = vocabulary.createMachine({
  id: "host",
  description: "A host in a rollout.",
  options: { maxIterations: 50 },
  context: initialContext,
  initial: "Pending",
  on: {
    "host.released": {
      target: ".Released",
      actions: "takeRelease",
      description: "Its rollout has no more to do with it.",
    },
    "orders.taken": [
      {
        guard: "forgotOrders",
        actions: "recordForgotten",
        description:
          "What a control plane that has lost its database gave counts, for as long as the agent has records of it.",
      },
      { description: "All of them are known." },
    ],
    "host.unreachable": [
      { guard: "isUnreachable", description: "It is missed already." },
      { actions: "miss", description: "It is excused when it stays away." },
    ],
    "host.seen": [
      { guard: "isMissed", actions: ["comeBack", "tell"], description: "It counts again as what it is." },
      { description: "It was here all along." },
    ],
    "host.excused": [
      { guard: "isExcused", description: "It is excused already." },
      { actions: ["excuse", "endOffer", "tell"] },
    ],
    "host.excuseDue": {
      guard: "isAway",
      actions: ["excuse", "endOffer", "tell"],
    },
  },
  states: {
    Pending: {
      description: "It is offered its dispatch, or will be again.",
      tags: ["busy"],
      meta: {
        waitingFor: "its agent to acknowledge the dispatch, or the dispatch to be offered again",
        until: "offerDueAt",
        instead: {
          "activation.started": "dispatch.acknowledged",
          "activation.completed": "dispatch.acknowledged",
          "activation.failed": "dispatch.acknowledged",
        },
      },
      entry: [...enters("Pending"), "armOfferExpiry"],
      exit: "endOffer",
      on: {
        "dispatch.acknowledged": { guard: "isOffered", target: "Activating", actions: "recordAcknowledgement" },
        "dispatch.offered": [
          { guard: "isOffered", description: "An offer stands already; its deadline does not move." },
          { actions: ["offer", "armOfferExpiry"] },
        ],
        "dispatch.withdrawn": [
          {
            guard: "isOffered",
            actions: "withdrawOffer",
            description: "Nobody acknowledged: others may have its slot.",
          },
          { description: "No offer stands." },
        ],
      },
    },
    Activating: {
      description: "The target is being activated.",
      tags: ["busy"],
      meta: {
        waitingFor: "the activation to settle",
        noDeadline: "the agent bounds its own activation, and one that is gone is excused",
        instead: { "dispatch.acknowledged": "activation.started", "host.converged": "activation.completed" },
      },
      entry: enters("Activating"),
      exit: cancel("fault"),
      invoke: {
        id: "activate",
        src: "activate",
        input: ({ context }) => ({ ...dispatchOf(context), prior: context.observedPrior }),
        onDone: {
          actions: "reportFault",
          description: "What came of it is told before the call ends.",
        },
        onError: { actions: "reportFault" },
      },
      on: {
        "activation.started": [
          { guard: "isStarted", description: "It had begun: an agent that was restarted tells again." },
          { actions: "recordStart" },
        ],
        "activation.completed": [
          { guard: "isTarget", target: "Soaking", actions: "recordCompletion" },
          { target: "Failed", actions: ["recordCompletion", "recordFailure"] },
        ],
        "activation.deferred": { target: "Deferred", actions: "recordDeferral" },
        "activation.failed": { target: "Failed", actions: "recordFailure" },
        "activation.unconfirmed": { target: "Failed", actions: "recordFailure" },
        "agent.failed": { target: "Failed", actions: "recordFailure" },
        "host.released": [
          {
            guard: and(["isReleaseAsked", "isExcused"]),
            target: "Released",
            actions: "takeRelease",
            description: "Asked again of one that nobody expects back: there is nothing left to wait for.",
          },
          { guard: "isReleaseAsked", description: "It is asked already, and taken when the activation settles." },
          { actions: "rememberRelease", description: "Taken when the activation settles." },
        ],
      },
    },
    Deferred: {
      description: "The activation goes on after a restart.",
      tags: ["busy"],
      meta: {
        waitingFor: "the host to be restarted",
        until: "deferralDueAt",
        instead: { "host.converged": "activation.completed" },
      },
      entry: [...enters("Deferred"), "releaseIfAsked"],
      exit: ["endDeferral", cancel("fault")],
      invoke: {
        id: "awaitReboot",
        src: "awaitReboot",
        input: ({ context }) => ({ ...dispatchOf(context), component: context.deferredFor }),
        onDone: {
          actions: "reportFault",
          description: "What came of it is told before the call ends.",
        },
        onError: { actions: "reportFault" },
      },
      on: {
        "activation.completed": [
          { guard: "isTarget", target: "Soaking", actions: "recordCompletion" },
          { target: "Failed", actions: ["recordCompletion", "recordFailure"] },
        ],
        "activation.failed": { target: "Failed", actions: "recordFailure" },
        "agent.failed": { target: "Failed", actions: "recordFailure" },
        "deferral.overdue": {
          actions: "warn",
          description: "Somebody is told; nothing moves by itself.",
        },
      },
    },
    Soaking: {
      description: "The target runs, and its probes are watched.",
      tags: ["busy"],
      meta: {
        waitingFor: "the soak to be over and every enforced probe to pass",
        until: "soakDueAt",
        instead: { "activation.failed": "health.failed", "rollback.completed": "health.failed" },
      },
      entry: [...enters("Soaking"), "releaseIfAsked"],
      exit: cancel("fault"),
      invoke: [
        {
          id: "probe",
          src: "probe",
          input: ({ context }) => ({
            ...dispatchOf(context),
            soakDueAt: context.soakDueAt,
            sustainedMs: context.policy.sustainedMs,
          }),
          onDone: { actions: "reportFault", description: "Nobody would watch it any more." },
          onError: { actions: "reportFault" },
        },
        {
          id: "awaitConfirmation",
          src: "awaitConfirmation",
          input: ({ context }) => ({
            ...dispatchOf(context),
            completedAt: context.completedAt,
            confirmWithinMs: context.policy.confirmWithinMs,
          }),
          onDone: { actions: "confirm", description: "The activation has not cut the host off." },
          onError: { actions: "reportFault" },
        },
      ],
      on: {
        "probes.declared": { actions: "recordDeclaration" },
        "probe.reported": { actions: "recordReport" },
        "soak.waived": [
          { guard: "isSoakWaived", description: "It is waived already." },
          { actions: "waiveSoak", description: "The probes still have to be seen and to pass." },
        ],
        "host.converged": {
          guard: and(["isTarget", "isSoaked", "sawProbes", "passesProbes"]),
          target: "Converged",
          actions: "recordConvergence",
        },
        "health.failed": { guard: "isUnhealthy", target: "Failed", actions: "recordFailure" },
        "activation.unconfirmed": { target: "Failed", actions: "recordFailure" },
        "agent.failed": { target: "Failed", actions: "recordFailure" },
      },
    },
    Converged: {
      description: "The target runs and has proved itself.",
      tags: ["steady"],
      meta: {
        waitingFor: "its rollout to be pruned",
        noDeadline: "this is what the rollout is for",
        instead: { "rollback.completed": "rollback.requested" },
      },
      entry: enters("Converged"),
      on: {
        "rollback.requested": { target: "Failed", actions: ["recordOrder", "recordFailure"] },
        "rollback.completed": {
          guard: "hasForgotten",
          target: "Reverted",
          actions: ["recordFailure", "recordReversion"],
          description: "It was ordered to go back, and nobody here remembers that.",
        },
        "rollback.failed": {
          guard: "hasForgotten",
          target: "Failed",
          actions: ["recordFailure", "recordRollbackError"],
          description: "It was ordered to go back, and nobody here remembers that.",
        },
      },
    },
    Failed: {
      description: "The target does not run here as it should.",
      initial: "RollingBack",
      entry: [...enters("Failed"), "releaseIfAsked"],
      on: {
        "rollback.completed": { target: "Reverted", actions: "recordReversion" },
        "rollback.failed": { actions: "recordRollbackError" },
      },
      states: {
        RollingBack: {
          description: "What converged here last comes back.",
          tags: ["busy"],
          meta: {
            waitingFor: "the rollback to be done",
            noDeadline: "the agent bounds its own attempts, and one that is gone is excused",
            instead: { "activation.completed": "rollback.completed", "activation.failed": "rollback.failed" },
          },
          exit: cancel("fault"),
          invoke: {
            id: "rollBack",
            src: "rollBack",
            input: ({ context }) => ({ ...dispatchOf(context), rollbackTo: context.rollbackTo }),
            onDone: { actions: "reportFault", description: "What came of it is told before the call ends." },
            onError: { actions: "reportFault" },
          },
          always: {
            guard: not("rollsBack"),
            target: "AwaitingOperator",
            description: "The policy leaves it, no version is known to go back to, or that has failed.",
          },
          on: {
            "host.released": [
              {
                guard: and(["isReleaseAsked", "isExcused"]),
                target: "#host.Released",
                actions: "takeRelease",
                description: "Asked again of one that nobody expects back: there is nothing left to wait for.",
              },
              {
                guard: and(["mayBeCutOff", "isReleaseAsked"]),
                description: "It is asked already, and taken when the rollback settles.",
              },
              {
                guard: "mayBeCutOff",
                actions: "rememberRelease",
                description: "Taken when the rollback settles: nobody else could bring the host back.",
              },
            ],
          },
        },
        AwaitingOperator: {
          description: "It is left as it is.",
          tags: ["attention"],
          meta: {
            waitingFor: "a newer rollout, or a person to look after the host",
            noDeadline: "what runs here is for a person to judge",
            instead: { "activation.completed": "rollback.completed" },
          },
          entry: "releaseIfAsked",
        },
      },
    },
    Reverted: {
      description: "What ran before runs again.",
      type: "final",
      entry: enters("Reverted"),
    },
    Released: {
      description: "Its rollout has no more to do with it.",
      type: "final",
      entry: enters("Released"),
    },
  },
});
