import { z } from "zod";
import { channelPattern, refPattern, refRule } from "../../machines/rollout/rollout-id.ts";
import { rolloutStates } from "../../machines/rollout/states.ts";
import { asked } from "./asked.ts";
import { fleetOf } from "./fleet-of.ts";
import { given } from "./given.ts";
import { openedAnswer, openingErrors } from "./opened-answer.ts";
import { operation } from "./operation.ts";
import { frozenPlan, opened, rolloutEvents, rolloutList, rolloutRecord } from "./rollout-schemas.ts";
import { pageAfter, planBody, rolloutBody } from "./rollout-wire.ts";
import { cursorQuery, limitQuery, sequenceQuery } from "./schemas.ts";
import { entryBody } from "./wire.ts";

export const rolloutParams = z.strictObject({
  rollout: z.string().min(1).max(250).meta({ description: "The id of a rollout, such as `stable@v41`." }),
});
export const rolloutExample = { rollout: "stable@v41" };
export const channelName = z.string().regex(channelPattern, "expected the name of a channel");

export const listRollouts = operation({
  name: "list-rollouts",
  summary: "Rollouts that are not pruned, the newest first; those of a channel begin with the one that counts.",
  method: "GET",
  path: "/v1/rollouts",
  query: z.strictObject({
    channel: channelName.optional().meta({ description: "Those of this channel." }),
    state: z.enum(rolloutStates).exclude(["Pruned"]).optional().meta({ description: "Those in this state." }),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  answers: { 200: { description: "A page of rollouts.", schema: rolloutList } },
  errors: ["not-found"],
  example: { query: { channel: "stable", limit: 1 } },
  isChange: false,
  async run({ query: { cursor, limit, ...filter } }, _caller, workplace) {
    const fleet = fleetOf(workplace);
    const body = await pageAfter({
      cursor,
      limit,
      read: (page) => fleet.rollouts({ ...given(filter), ...page }),
      nameOf: ({ rolloutId }) => rolloutId,
      viewOf: rolloutBody,
    });
    return { status: 200, body };
  },
});

export const showRollout = operation({
  name: "show-rollout",
  summary: "One rollout: where it is, its waves and what holds it.",
  method: "GET",
  path: "/v1/rollouts/:rollout",
  params: rolloutParams,
  permission: "read",
  answers: { 200: { description: "The rollout.", schema: rolloutRecord, headers: ["ETag"] } },
  example: { params: rolloutExample },
  isChange: false,
  async run({ params }, _caller, workplace) {
    const record = await fleetOf(workplace).rollout(params.rollout);
    return { status: 200, body: rolloutBody(record), version: record.version };
  },
});

export const showRolloutPlan = operation({
  name: "show-rollout-plan",
  summary: "What a rollout does, as it was frozen when it opened: its waves with their hosts, budgets and edges.",
  method: "GET",
  path: "/v1/rollouts/:rollout/plan",
  params: rolloutParams,
  permission: "read",
  answers: { 200: { description: "The plan.", schema: frozenPlan } },
  example: { params: rolloutExample },
  isChange: false,
  run: async ({ params }, _caller, workplace) => ({
    status: 200,
    body: planBody(await fleetOf(workplace).planOf(params.rollout)),
  }),
});

export const openRollout = operation({
  name: "open-rollout",
  summary: "Opens a rollout over a channel, and supersedes the one before.",
  method: "POST",
  path: "/v1/rollouts",
  body: z.strictObject({
    channel: channelName.meta({ description: "The channel whose hosts are to run it." }),
    ref: z
      .string()
      .regex(refPattern, refRule)
      .optional()
      .meta({ description: "The version; the declared one when not given." }),
  }),
  permission: "operate",
  answers: { 201: { description: "It is opened, with its plan frozen.", schema: opened, headers: ["Location"] } },
  errors: openingErrors,
  example: { body: { channel: "stable", ref: "v41" } },
  isChange: true,
  run: async ({ body }, caller, workplace) => openedAnswer(await fleetOf(workplace).open(given(body), asked(caller))),
});

/** Journal entries that one request looks through: about 20 ms. */
const entriesLookedAtMax = 20_000;

export const listRolloutEvents = operation({
  name: "list-rollout-events",
  summary: "What happened to a rollout and its hosts, by sequence number.",
  method: "GET",
  path: "/v1/rollouts/:rollout/events",
  params: rolloutParams,
  query: z.strictObject({ after: sequenceQuery, limit: limitQuery }),
  permission: "read",
  answers: { 200: { description: "A page of entries.", schema: rolloutEvents } },
  example: { params: rolloutExample, query: { after: 0, limit: 50 } },
  isChange: false,
  async run({ params, query: { after = 0, limit = 100 } }, _caller, workplace) {
    const { rolloutId, openedSeq } = await fleetOf(workplace).rollout(params.rollout);
    const { entries, nextAfter, isComplete } = await workplace.engine.journalUnder(rolloutId, {
      after: Math.max(after, openedSeq - 1),
      limit,
      lookAt: entriesLookedAtMax,
    });
    return { status: 200, body: { entries: entries.map(entryBody), nextAfter, isComplete } };
  },
});
