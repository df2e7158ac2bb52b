import { and, assign, cancel, not, raise, stateIn } from "xstate";
import { initialContext, type NodeContext } from "./context.ts";
import type { NodeEvent } from "./events.ts";
import type { StateName } from "./successors.ts";
import { errorOf, vocabulary, type Window } from "./vocabulary.ts";

const windowOf = ({ context }: { context: NodeContext }): Window => ({ node: context.node, epoch: context.epoch });
const observes = (from: StateName, to: StateName) => ({ type: "observes", params: { from, to } }) as const;

const unwatched = { description: "Nobody watches any more; the view says so." };
const watch = { id: "watchNode", src: "watchNode", input: windowOf, onDone: unwatched, onError: unwatched } as const;

const resumeRetryMs = 60_000; // an operator watching the node sees a new attempt each minute, a broken host is not hammered

/**
 * Node maintenance: a node is taken out of service, worked on, and put back.
 *
 * `lifecycle` leads and keeps the rank graph (`isValidSuccessor`): whatever arrives late, an operator's exit stays an
 * exit. `scheduling` keeps new work away whenever the node is not Active, and for as long as an operator says so.
 * After the node maintenance lifecycle of net-mesh 0.21; where this chart differs, `test/vectors` says so line by line.
 */
export const chart = vocabulary.createMachine({
  id: "nodeMaintenance",
  description: "A node is taken out of service, worked on, and put back.",
  type: "parallel",
  meta: { leads: "lifecycle" },
  options: { maxIterations: 50 },
  context: initialContext,
  states: {
    lifecycle: {
      initial: "Active",
      states: {
        Active: {
          description: "The node does its normal work.",
          tags: ["steady"],
          meta: {
            waitingFor: "somebody to ask for maintenance",
            noDeadline: "this is the normal state",
            instead: { "maintenance.retry": "maintenance.enter" },
          },
          entry: "giveSlotsBack",
          on: {
            "maintenance.enter": { guard: "holdsSlots", target: "EnteringMaintenance", actions: "openWindow" },
            "maintenance.observed": [
              {
                guard: observes("Active", "EnteringMaintenance"),
                target: "EnteringMaintenance",
                actions: ["openObservedWindow", "takeObservedSlots"],
              },
              { guard: observes("Active", "Active"), description: "Seen again: it is Active already." },
            ],
            "node.queued": {
              guard: "isOfThisWindow",
              actions: "standInLine",
              description: "It is asked for, and waits for a slot of a group.",
            },
          },
          always: {
            guard: "isRetry",
            target: "EnteringMaintenance",
            actions: "openRetriedWindow",
            description: "The last step of a retry: the next window opens.",
          },
        },
        EnteringMaintenance: {
          description: "New work is kept away, replicas move to other nodes, daemons stop.",
          tags: ["busy"],
          meta: {
            waitingFor: "every replica and every daemon that is not essential to leave",
            until: "drainDueAt",
            instead: { "maintenance.exit": "maintenance.abort", "maintenance.retry": "maintenance.enter" },
          },
          entry: "armDrainDeadline",
          exit: [cancel("drainDeadline"), "endDrain"],
          invoke: [
            {
              id: "drainNode",
              src: "drainNode",
              input: windowOf,
              onDone: [
                { guard: "leavesNothing", target: "Maintenance", actions: "recordDrained" },
                {
                  target: "DrainFailed",
                  actions: [
                    assign({ blockers: ({ event }) => event.output }),
                    {
                      type: "recordFailure",
                      params: ({ event }) => ({
                        kind: "blocked" as const,
                        reason: `drain ended with ${event.output.replicas.length + event.output.daemons.length} blockers`,
                      }),
                    },
                  ],
                },
              ],
              onError: {
                target: "DrainFailed",
                actions: {
                  type: "recordFailure",
                  params: ({ event }) => ({ kind: "error" as const, reason: errorOf(event) }),
                },
              },
            },
            watch,
          ],
          on: {
            "maintenance.enter": {
              actions: ["moveDrainDeadline", cancel("drainDeadline"), "armDrainDeadline"],
              description: "The deadline moves, the drain goes on undisturbed.",
            },
            "maintenance.abort": {
              target: "DrainFailed",
              actions: {
                type: "recordFailure",
                params: ({ event }) => ({ kind: "aborted" as const, reason: event.reason ?? "aborted by an operator" }),
              },
            },
            "maintenance.observed": [
              { guard: "observesReason", actions: "fillReason", description: "Seen again, and now with a reason." },
              {
                guard: observes("EnteringMaintenance", "EnteringMaintenance"),
                description: "Seen again: nothing moves.",
              },
              {
                guard: observes("EnteringMaintenance", "Maintenance"),
                target: "Maintenance",
                actions: "forgetBlockers",
              },
              {
                guard: observes("EnteringMaintenance", "DrainFailed"),
                target: "DrainFailed",
                actions: {
                  type: "recordFailure",
                  params: ({ event }) => ({
                    kind: "observed" as const,
                    reason: event.state.reason ?? "the node reported a failed drain",
                  }),
                },
              },
            ],
            "drain.progressed": [
              { guard: "reportsDrained", target: "Maintenance", actions: "recordDrained" },
              { guard: "isOfThisWindow", actions: "recordBlockers" },
            ],
            "drain.deadlineElapsed": {
              target: "DrainFailed",
              actions: {
                type: "recordFailure",
                params: ({ context, event }) => ({
                  kind: "deadline" as const,
                  reason: `drain deadline elapsed after ${event.at - (context.drainingSince ?? event.at)} ms`,
                }),
              },
            },
          },
        },
        Maintenance: {
          description: "The node is empty and set apart; it can be worked on.",
          tags: ["steady"],
          meta: {
            waitingFor: "the work to be done and somebody to ask for the exit",
            until: "expectedUntil",
            instead: { "maintenance.abort": "maintenance.exit" },
          },
          entry: "armExpectedEnd",
          exit: cancel("overdue"),
          invoke: watch,
          on: {
            "maintenance.exit": { target: "ExitingMaintenance", actions: "keepCordoned" },
            "maintenance.observed": [
              { guard: observes("Maintenance", "Maintenance"), description: "Seen again: nothing moves." },
              { guard: observes("Maintenance", "ExitingMaintenance"), target: "ExitingMaintenance" },
              {
                guard: observes("Maintenance", "DrainFailed"),
                target: "DrainFailed",
                actions: {
                  type: "recordFailure",
                  params: ({ event }) => ({
                    kind: "observed" as const,
                    reason: event.state.reason ?? "the node reported a failed drain",
                  }),
                },
              },
            ],
            "drain.progressed": [
              {
                guard: "reportsFirstDrained",
                actions: "recordDrained",
                description: "The first inventory: it is empty.",
              },
              { guard: "reportsDrained", description: "Still empty." },
              {
                guard: "isOfThisWindow",
                target: "DrainFailed",
                actions: [
                  "recordBlockers",
                  { type: "recordFailure", params: { kind: "isolation-lost", reason: "isolation lost" } },
                ],
              },
            ],
            "maintenance.overdue": {
              actions: "reportOverdue",
              description: "Somebody is told; nothing moves by itself.",
            },
          },
        },
        ExitingMaintenance: {
          description: "What is meant to run here is started again and has to become healthy.",
          tags: ["busy"],
          meta: {
            waitingFor: "everything that is meant to run here to be healthy",
            until: "exitDueAt",
          },
          entry: "beginExit",
          exit: [cancel("resumeRetry"), "endExit"],
          invoke: {
            id: "resumeNode",
            src: "resumeNode",
            input: windowOf,
            onDone: { target: "Recovery" },
            onError: {
              actions: [
                "recordResumeError",
                raise({ type: "resume.retryDue" } as NodeEvent, { id: "resumeRetry", delay: resumeRetryMs }),
              ],
              description: "Tried again in a minute.",
            },
          },
          on: {
            "maintenance.exit": [
              { guard: "isForced", target: "Recovery", actions: "keepCordoned" },
              { guard: "asksForCordon", actions: "keepCordoned" },
              { description: "It is leaving already." },
            ],
            "maintenance.observed": [
              {
                guard: observes("ExitingMaintenance", "ExitingMaintenance"),
                description: "Seen again: nothing moves.",
              },
              { guard: observes("ExitingMaintenance", "Recovery"), target: "Recovery" },
            ],
            "daemons.progressed": [
              { guard: "reportsNoneWaiting", target: "Recovery" },
              { guard: "isOfThisWindow", actions: "recordWaiting" },
            ],
            "resume.retryDue": { target: "ExitingMaintenance", reenter: true },
            "maintenance.overdue": {
              actions: "reportOverdue",
              description: "Somebody is told; nothing moves by itself.",
            },
          },
          always: { guard: "isRetry", target: "Recovery", description: "A retry passes through: nothing is resumed." },
        },
        Recovery: {
          description: "The node is back and healthy, and ramps up before it takes new work.",
          tags: ["busy"],
          meta: { waitingFor: "the recovery ramp to pass" },
          after: { recoveryRamp: { target: "Active" } },
          on: {
            "maintenance.exit": [
              { guard: "isForced", target: "Active", actions: "keepCordoned" },
              { guard: "asksForCordon", actions: "keepCordoned" },
              { description: "It has left already." },
            ],
            "maintenance.observed": [
              { guard: observes("Recovery", "Recovery"), description: "Seen again: the ramp goes on." },
              { guard: observes("Recovery", "Active"), target: "Active" },
            ],
          },
          always: { guard: "isRetry", target: "Active", description: "A retry passes through: there is no ramp." },
          exit: "endWindow",
        },
        DrainFailed: {
          description: "The node could not be drained, or is no longer. An operator decides.",
          tags: ["attention"],
          meta: {
            waitingFor: "an operator to retry the drain or to leave maintenance",
            noDeadline: "what still runs here is for a person to judge",
            instead: { "maintenance.enter": "maintenance.retry", "maintenance.abort": "maintenance.exit" },
          },
          exit: "clearFailure",
          invoke: watch,
          on: {
            "maintenance.exit": { guard: "isForcedOrDrained", target: "ExitingMaintenance", actions: "keepCordoned" },
            "maintenance.retry": { target: "ExitingMaintenance" },
            "maintenance.observed": [
              { guard: observes("DrainFailed", "DrainFailed"), description: "Seen again: nothing moves." },
              { guard: observes("DrainFailed", "ExitingMaintenance"), target: "ExitingMaintenance" },
            ],
            "drain.progressed": { guard: "isOfThisWindow", actions: "recordBlockers" },
          },
          always: { guard: "isAbort", target: "ExitingMaintenance", description: "An abort goes straight back." },
        },
      },
    },
    scheduling: {
      initial: "Schedulable",
      on: { "node.configured": { actions: "configure", description: "The nodes file says something else." } },
      states: {
        Schedulable: {
          description: "New work may come here.",
          meta: { waitingFor: "the node to be cordoned", noDeadline: "this is the normal state" },
          always: { guard: not(stateIn({ lifecycle: "Active" })), target: "Cordoned" },
          on: {
            "node.cordon": { target: "Cordoned", actions: "holdCordoned" },
            "node.uncordon": { description: "It is not cordoned." },
          },
        },
        Cordoned: {
          description: "New work is kept away.",
          tags: ["cordoned"],
          meta: {
            waitingFor: "the node to be Active and no operator to hold it",
            noDeadline: "it follows the lifecycle and the operator",
          },
          always: {
            guard: and([stateIn({ lifecycle: "Active" }), not("isHeldByOperator"), not("isRetry")]),
            target: "Schedulable",
          },
          on: {
            "node.cordon": [
              {
                guard: not("isHeldByOperator"),
                actions: "holdCordoned",
                description: "An operator holds it beside the window.",
              },
              { description: "An operator holds it already." },
            ],
            "node.uncordon": [
              {
                guard: "isHeldByOperator",
                actions: "letGo",
                description: "The operator's hold ends; the window's does not.",
              },
              { description: "No operator holds it." },
            ],
          },
        },
      },
    },
  },
});
