import { and, not, or, stateIn } from "xstate";
import { initialContext } from "./context.ts";
import { vocabulary } from "./vocabulary.ts";

const isOver = or([
  stateIn({ rollout: "Terminal" }),
  stateIn({ rollout: "Superseded" }),
  stateIn({ rollout: "Pruned" }),
]);
const isHalted = or([stateIn({ rollout: "Reverted" }), stateIn({ rollout: "Failed" })]);
const isBeforeWave = or([stateIn({ rollout: "Opening" }), stateIn({ rollout: "Active" })]); // of its current wave, or in it
const isOpen = or([isBeforeWave, stateIn({ rollout: "Converging" })]);

/** What becomes of a rollout that is under way when one of its hosts changes. */
const hostChangedWhileOpen = [
  {
    guard: { type: "failsAs", params: { to: "Reverted" } },
    target: "Reverted",
    actions: ["count", "recordFailure", "quarantine", "requestPlan"],
  },
  {
    guard: { type: "failsAs", params: { to: "Failed" } },
    target: "Failed",
    actions: ["count", "recordFailure", "quarantine", "requestPlan"],
  },
  { guard: "counts", actions: ["count", "settle", "requestPlan"] },
] as const;

const planDecidedWhileOpen = {
  guard: or(["dispatchesNothing", stateIn({ control: "Running" })]),
  actions: "recordDecision",
} as const;

/**
 * A rollout: one run of one ref over one channel, wave after wave.
 *
 * `rollout` leads and follows its hosts: counters by wave say when a wave is settled, when all is done and when too much
 * has failed, at the same cost however many hosts there are. Halting halts: in Failed and Reverted nothing more is
 * dispatched. `control` is what people say to it, `planning` asks the planner again whenever something has changed.
 * After the rollout of nixfleet's RFC-0008.
 */
export const chart = vocabulary.createMachine({
  id: "rollout",
  description: "One run of one ref over one channel, wave after wave.",
  type: "parallel",
  meta: { leads: "rollout" },
  options: { maxIterations: 50 },
  context: initialContext,
  states: {
    rollout: {
      initial: "Opening",
      on: {
        "rollout.superseded": {
          guard: "mayDrive",
          target: ".Superseded",
          actions: ["recordSuperseded", "requestPlan"],
          description: "A newer ref is never held by an older rollout.",
        },
        "rollout.cancel": {
          guard: "isNotOver",
          target: ".Superseded",
          actions: ["recordCancelled", "requestPlan"],
          description: "It stops where it is: what is in flight finishes, what has converged stays.",
        },
      },
      states: {
        Opening: {
          description: "The ref is to be rolled out, and no host was dispatched yet.",
          tags: ["busy"],
          meta: {
            waitingFor: "its first host to be dispatched",
            noDeadline: "gates hold it as long as what they guard asks for",
          },
          entry: "requestPlan",
          always: {
            guard: "hasNoHosts",
            target: "Terminal",
            actions: ["recordComplete", "tellComplete"],
            description: "There is no host to wait for.",
          },
          on: {
            "host.joined": { guard: "joins", target: "Active", actions: ["join", "requestPlan"] },
            "plan.decided": planDecidedWhileOpen,
          },
        },
        Active: {
          description: "Hosts of the current wave are on their way to the target.",
          tags: ["busy"],
          meta: {
            waitingFor: "the hosts of the current wave to settle",
            noDeadline: "each host has its own deadlines, and the gates theirs",
          },
          on: {
            "host.joined": { guard: "joins", actions: ["join", "requestPlan"] },
            "host.changed": hostChangedWhileOpen,
            "wave.advanced": [
              { guard: "advances", actions: ["advance", "settle", "requestPlan"] },
              { guard: "settles", target: "Converging", actions: "requestPlan" },
            ],
            "rollout.completed": {
              guard: "completes",
              target: "Terminal",
              actions: ["recordComplete", "tellComplete", "requestPlan"],
            },
            "plan.decided": planDecidedWhileOpen,
          },
        },
        Converging: {
          description: "The current wave is settled, and the next has not begun.",
          tags: ["busy"],
          meta: {
            waitingFor: "the next wave to begin",
            noDeadline: "approvals and gates hold it as long as what they guard asks for",
          },
          on: {
            "host.joined": { guard: "joins", actions: ["join", "requestPlan"] },
            "host.changed": hostChangedWhileOpen,
            "wave.advanced": [
              { guard: "advances", target: "Active", actions: ["advance", "settle", "requestPlan"] },
              { guard: "settles", description: "It is known to be settled." },
            ],
            "rollout.completed": {
              guard: "completes",
              target: "Terminal",
              actions: ["recordComplete", "tellComplete", "requestPlan"],
            },
            "plan.decided": planDecidedWhileOpen,
          },
        },
        Terminal: {
          description: "Every host runs the target, is excused, or is a failure that is borne.",
          tags: ["steady"],
          meta: {
            waitingFor: "a newer rollout, or the end of its retention",
            until: "retainedUntil",
          },
          entry: "beginRetention",
          on: {
            "host.joined": { guard: "mayDrive", description: "A host that was excused has come back; it is complete." },
            "host.changed": { guard: "counts", actions: ["count", "requestPlan"] },
            "rollout.completed": { guard: "mayDrive", description: "It is complete already." },
            "retention.due": { actions: ["endRetention", "requestPlan"] },
            "retention.expired": { guard: "mayDrive", target: "Pruned" },
            "plan.decided": { actions: "recordDecision" },
          },
        },
        Reverted: {
          description: "Too much has failed, and a host that failed is back on what it ran before.",
          tags: ["attention", "steady"],
          meta: {
            waitingFor: "a newer ref, or somebody to retry, undo or cancel it",
            until: "retainedUntil",
          },
          entry: "beginRetention",
          on: {
            "host.joined": { guard: "mayDrive", description: "It has halted." },
            "host.changed": { guard: "counts", actions: ["count", "requestPlan"] },
            "wave.advanced": { guard: "mayDrive", description: "It has halted: no wave begins." },
            "rollout.completed": { guard: "mayDrive", description: "It has halted and is not complete." },
            "operator.cleared": { actions: ["recordCleared", "requestPlan"] },
            "retention.due": { actions: ["endRetention", "requestPlan"] },
            "retention.expired": { guard: "mayDrive", target: "Pruned" },
            "plan.decided": { guard: "dispatchesNothing", actions: "recordDecision" },
          },
        },
        Failed: {
          description: "Too much has failed, and nothing has gone back.",
          tags: ["attention", "steady"],
          meta: {
            waitingFor: "a newer ref, or somebody to retry, undo or cancel it",
            until: "retainedUntil",
          },
          entry: "beginRetention",
          on: {
            "host.joined": { guard: "mayDrive", description: "It has halted." },
            "host.changed": [
              { guard: "goesBack", target: "Reverted", actions: ["count", "requestPlan"] },
              { guard: "counts", actions: ["count", "requestPlan"] },
            ],
            "wave.advanced": { guard: "mayDrive", description: "It has halted: no wave begins." },
            "rollout.completed": { guard: "mayDrive", description: "It has halted and is not complete." },
            "operator.cleared": { actions: ["recordCleared", "requestPlan"] },
            "retention.due": { actions: ["endRetention", "requestPlan"] },
            "retention.expired": { guard: "mayDrive", target: "Pruned" },
            "plan.decided": { guard: "dispatchesNothing", actions: "recordDecision" },
          },
        },
        Superseded: {
          description: "A newer rollout has taken its place, or somebody has cancelled it.",
          tags: ["steady"],
          meta: {
            waitingFor: "its hosts to be released, and the end of its retention",
            until: "retainedUntil",
            instead: {
              "operator.cleared":
                "quarantine clear lets a ref be offered again; other channels wait for the newest rollout of a channel only",
            },
          },
          entry: "beginRetention",
          on: {
            "host.joined": { guard: "mayDrive", description: "Another rollout has the channel." },
            "host.changed": { guard: "counts", actions: ["count", "requestPlan"] },
            "wave.advanced": { guard: "mayDrive", description: "Another rollout has the channel." },
            "rollout.completed": { guard: "mayDrive", description: "Another rollout has the channel." },
            "rollout.superseded": { guard: "mayDrive", description: "It is superseded already: the first one stays." },
            "retention.due": { actions: ["endRetention", "requestPlan"] },
            "retention.expired": { guard: "mayDrive", target: "Pruned" },
            "plan.decided": { guard: "dispatchesNothing", actions: "recordDecision" },
          },
        },
        Pruned: {
          type: "final",
          description: "It ended long ago: its hosts are released and its plan is dropped.",
        },
      },
    },
    control: {
      initial: "Running",
      on: {
        "rollout.pause": { guard: "isUnderWay", target: ".Paused", actions: ["recordPause", "requestPlan"] },
        "rollout.promote": [
          { guard: "isPromotedAlready", description: "It is asked for already." },
          { guard: "mayPromote", actions: ["promote", "requestPlan"] },
        ],
        "wave.approve": { guard: "mayApprove", actions: ["approve", "requestPlan"] },
      },
      states: {
        Running: {
          description: "Nobody holds it.",
          meta: { waitingFor: "somebody to hold it", noDeadline: "this is the normal state" },
          always: [
            { guard: isOver, target: "Over" },
            {
              guard: and([isOpen, "hasTooManyExcused"]),
              target: "Paused",
              actions: ["recordExcusedStop", "requestPlan"],
              description: "Too many hosts are excused: a person says whether it goes on without them.",
            },
            {
              guard: or([
                and([isBeforeWave, "awaitsApproval"]),
                and([stateIn({ rollout: "Converging" }), "awaitsNextApproval"]),
              ]),
              target: "AwaitingApproval",
            },
          ],
          on: { "rollout.resume": { guard: "isUnderWay", description: "Nobody holds it." } },
        },
        Paused: {
          description: "Nothing is dispatched until somebody resumes it; what is in flight goes on.",
          tags: ["attention"],
          meta: { waitingFor: "somebody to resume it", noDeadline: "whoever paused it knows why" },
          exit: "endPause",
          always: [
            { guard: isOver, target: "Over" },
            { guard: isHalted, target: "Running", description: "It has halted by itself: there is nothing to hold." },
          ],
          on: {
            "rollout.pause": { description: "It is paused already." },
            "rollout.resume": { target: "Running", actions: ["acceptExcused", "settle", "requestPlan"] },
          },
        },
        AwaitingApproval: {
          description: "The next wave to begin asks for approvals that are not all given.",
          tags: ["attention"],
          meta: {
            waitingFor: "somebody to approve the wave",
            noDeadline: "people approve when they are sure",
            instead: { "rollout.resume": "wave.approve" },
          },
          always: [
            { guard: isOver, target: "Over" },
            {
              guard: and([isOpen, "hasTooManyExcused"]),
              target: "Paused",
              actions: ["recordExcusedStop", "requestPlan"],
            },
            {
              guard: or([
                isHalted,
                and([isBeforeWave, not("awaitsApproval")]),
                and([stateIn({ rollout: "Converging" }), not("awaitsNextApproval")]),
              ]),
              target: "Running",
              actions: "requestPlan",
            },
          ],
        },
        Over: {
          type: "final",
          description: "It has ended: there is nothing left to hold, to hasten or to stop.",
          meta: {
            waitingFor: "nothing any more",
            instead: { "rollout.resume": "rollout retry opens a new run of the same ref" },
          },
        },
      },
    },
    planning: {
      initial: "Idle",
      states: {
        Idle: {
          description: "Nothing is to be planned before something changes, or a time comes.",
          meta: { waitingFor: "something that its planner judges to change", until: "planDueAt" },
          always: { guard: stateIn({ rollout: "Pruned" }), target: "Ended" },
          exit: "endWait",
          on: {
            "plan.requested": { guard: "isPlanned", target: "Planning" },
            "plan.due": { guard: "isPlanned", target: "Planning" },
          },
        },
        Planning: {
          description: "The planner judges which hosts may be dispatched.",
          meta: { waitingFor: "its planner to decide", noDeadline: "a planner that fails is tried again" },
          entry: "beginPlan",
          always: { guard: stateIn({ rollout: "Pruned" }), target: "Ended" },
          invoke: {
            id: "planRollout",
            src: "planRollout",
            input: ({ context }) => ({ rolloutId: context.rolloutId }),
            onDone: [
              { guard: "plansAgain", target: "Planning", reenter: true, actions: "clearPlanError" },
              { target: "Idle", actions: ["armPlan", "clearPlanError"] },
            ],
            onError: { target: "Idle", actions: "retryPlan" },
          },
          on: {
            "plan.requested": [
              { guard: "isPlanStale", description: "It is planned anew when this one is done, as asked before." },
              { actions: "markStale", description: "It is planned anew when this one is done." },
            ],
          },
        },
        Ended: {
          type: "final",
          description: "There is nothing left to plan.",
          meta: { waitingFor: "nothing any more" },
        },
      },
    },
  },
});
