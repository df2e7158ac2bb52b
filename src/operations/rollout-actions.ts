import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import { asked, versionOf } from "./asked.ts";
import { sentEvent } from "./answer-schemas.ts";
import { fleetOf } from "./fleet-of.ts";
import { given } from "./given.ts";
import { openedAnswer, openingErrors } from "./opened-answer.ts";
import { operation } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { opened } from "./rollout-schemas.ts";
import { channelName, rolloutExample, rolloutParams } from "./rollouts.ts";
import { sentAnswer } from "./wire.ts";

const reason = z.string().min(1).max(1_000).meta({ description: "Why, for whoever reads the journal." });
const reasonMaybe = z.strictObject({ reason: reason.optional() }).optional();

export const pauseRollout = eventOperation({
  name: "pause-rollout",
  summary: "Stops dispatching; what has begun goes on.",
  action: "pause",
  event: "rollout.pause",
  body: reasonMaybe,
  example: { reason: "looking into it" },
  shownAs: "rollout-paused",
});
export const resumeRollout = eventOperation({
  name: "resume-rollout",
  summary: "Goes on dispatching; who resumes accepts the hosts that are excused now.",
  action: "resume",
  event: "rollout.resume",
  body: z.strictObject({}).optional(),
  example: {},
});
export const promoteRollout = eventOperation({
  name: "promote-rollout",
  summary: "Waives the rest of the soak of the current wave; `full` opens all waves.",
  action: "promote",
  event: "rollout.promote",
  body: z.strictObject({ full: z.boolean().optional().meta({ description: "Whether to open all waves." }) }).optional(),
  example: { full: true },
});
export const approveRollout = eventOperation({
  name: "approve-rollout",
  summary: "Approves the wave that waits for it; takes an approver who is known.",
  action: "approve",
  event: "wave.approve",
  body: z
    .strictObject({
      wave: z
        .int()
        .nonnegative()
        .optional()
        .meta({ description: "Counted from 0; the one that waits when not given." }),
    })
    .optional(),
  example: { wave: 1 },
});
export const cancelRollout = eventOperation({
  name: "cancel-rollout",
  summary: "Stops it where it is: nothing more is dispatched, what has begun finishes.",
  action: "cancel",
  event: "rollout.cancel",
  body: reasonMaybe,
  example: { reason: "not today" },
  shownAs: "rollout-cancelled",
});
export const clearRollout = eventOperation({
  name: "clear-rollout",
  summary: "Vouches for what a failed rollout left behind; channels that wait for it go on.",
  action: "clear",
  event: "operator.cleared",
  body: z.strictObject({ reason }),
  example: { reason: "web-3 was replaced" },
  shownAs: "rollout-cleared",
});

/** An event that a person sends to a rollout, as a route of its own. */
function eventOperation<Body extends z.ZodType>(made: {
  name: string;
  summary: string;
  action: string;
  event: string;
  body: Body;
  example: z.input<Body>;
  /** The name of the example of its answer. */
  shownAs?: string;
}) {
  const { name, summary, action, event: type, body, example, shownAs = "rollout-going-on" } = made;
  return operation({
    name,
    summary,
    method: "POST",
    path: `/v1/rollouts/:rollout/${action}`,
    params: rolloutParams,
    body,
    permission: "operate",
    answers: {
      200: {
        description: "The rollout has accepted it.",
        schema: sentEvent,
        examples: [shownAs],
        headers: ["ETag"],
      },
    },
    errors: ["event-refused", "needs-migration", "machine-fault"],
    example: { params: rolloutExample, body: example },
    isChange: true,
    isOfVersion: true,
    async run({ params: { rollout }, body: fields }, caller, workplace) {
      const { engine } = workplace;
      const event = { ...(fields as object | undefined), type };
      checkOutsideEvent(engine, caller, { id: rollout, machine: "rollout", event }); // before it is told whether there is one
      fleetOf(workplace);
      await checkIsRollout(engine, rollout);
      return sentAnswer(await engine.send(rollout, event, { ...asked(caller), ...versionOf(caller) }), type);
    },
  });
}

/** Throws `not-found` for what is none. */
async function checkIsRollout(engine: Engine, id: string): Promise<void> {
  if ((await ifThere(engine.machineOf(id))) === "rollout") return;
  throw new SignalboxError("not-found", `There is no rollout ${id}.`);
}

const openedAnswers = {
  201: { description: "A rollout is opened.", schema: opened, headers: ["Location"] },
} as const;

export const abortRollout = operation({
  name: "abort-rollout",
  summary: "Cancels it and brings the last version back that was rolled out whole.",
  method: "POST",
  path: "/v1/rollouts/:rollout/abort",
  params: rolloutParams,
  body: reasonMaybe,
  permission: "operate",
  answers: openedAnswers,
  errors: openingErrors,
  example: { params: rolloutExample, body: { reason: "errors at the till" } },
  isChange: true,
  run: async ({ params, body }, caller, workplace) =>
    openedAnswer(await fleetOf(workplace).abort(params.rollout, given(body ?? {}), asked(caller))),
});

export const retryRollout = operation({
  name: "retry-rollout",
  summary: "Opens a new run of its version over the hosts that have not converged, and lifts its quarantine.",
  method: "POST",
  path: "/v1/rollouts/:rollout/retry",
  params: rolloutParams,
  body: z.strictObject({ reason }),
  permission: "operate",
  answers: openedAnswers,
  errors: openingErrors,
  example: { params: rolloutExample, body: { reason: "the disk was full" } },
  isChange: true,
  run: async ({ params, body }, caller, workplace) =>
    openedAnswer(await fleetOf(workplace).retry(params.rollout, body, asked(caller))),
});

export const undoChannel = operation({
  name: "undo-channel",
  summary: "Opens a new run of the last version that was rolled out whole; freeze, approval and soak do not hold it.",
  method: "POST",
  path: "/v1/channels/:channel/undo",
  params: z.strictObject({ channel: channelName.meta({ description: "The name of a channel." }) }),
  body: reasonMaybe,
  permission: "operate",
  answers: openedAnswers,
  errors: openingErrors,
  example: { params: { channel: "stable" }, body: { reason: "errors at the till" } },
  isChange: true,
  run: async ({ params, body }, caller, workplace) =>
    openedAnswer(await fleetOf(workplace).undo(params.channel, given(body ?? {}), asked(caller))),
});
