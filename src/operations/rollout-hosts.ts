import { z } from "zod";
import { countedStates } from "../../machines/host/states.ts";
import { hostPattern } from "../../machines/rollout/rollout-id.ts";
import { asked } from "./asked.ts";
import { fleetOf } from "./fleet-of.ts";
import { given } from "./given.ts";
import { operation } from "./operation.ts";
import { hostExplanation, hostList } from "./rollout-schemas.ts";
import { explanationOfHost, hostBody, pageAfter } from "./rollout-wire.ts";
import { rolloutExample, rolloutParams } from "./rollouts.ts";
import { cursorQuery, limitQuery } from "./schemas.ts";

const hostParams = rolloutParams.extend({
  host: z.string().regex(hostPattern, "expected the name of a host").meta({ description: "The name of a host." }),
});
const hostExample = { ...rolloutExample, host: "web-1" };

export const listRolloutHosts = operation({
  name: "list-rollout-hosts",
  summary: "The hosts of a rollout by wave and name, those that were never dispatched too.",
  method: "GET",
  path: "/v1/rollouts/:rollout/hosts",
  params: rolloutParams,
  query: z.strictObject({
    state: z.enum(countedStates).optional().meta({ description: "Those in this state, or that are excused." }),
    wave: z.coerce.number().int().nonnegative().max(10_000).optional().meta({ description: "Those of this wave." }),
    cursor: cursorQuery,
    limit: limitQuery,
  }),
  permission: "read",
  answers: { 200: { description: "A page of hosts.", schema: hostList } },
  example: { params: rolloutExample, query: { state: "Soaking", wave: 0 } },
  isChange: false,
  async run({ params, query: { cursor, limit, ...filter } }, _caller, workplace) {
    const fleet = fleetOf(workplace);
    const body = await pageAfter({
      cursor,
      limit,
      read: (page) => fleet.hosts(params.rollout, { ...given(filter), ...page }),
      nameOf: ({ host }) => host,
      viewOf: hostBody,
    });
    return { status: 200, body };
  },
});

export const explainRolloutHost = operation({
  name: "explain-rollout-host",
  summary: "Where a host is in a rollout, which gates hold it back, and what would open them.",
  method: "GET",
  path: "/v1/rollouts/:rollout/hosts/:host",
  params: hostParams,
  permission: "read",
  answers: { 200: { description: "The host, and what holds it.", schema: hostExplanation } },
  example: { params: hostExample },
  isChange: false,
  run: async ({ params: { rollout, host } }, _caller, workplace) => ({
    status: 200,
    body: explanationOfHost(await fleetOf(workplace).explainHost(rollout, host)),
  }),
});

export const excuseHost = operation({
  name: "excuse-host",
  summary: "Leaves a host out of account: it holds nothing up, and gets what is current when it is seen again.",
  method: "POST",
  path: "/v1/rollouts/:rollout/hosts/:host/excuse",
  params: hostParams,
  body: z.strictObject({
    reason: z.string().min(1).max(1_000).meta({ description: "Why, for whoever reads the journal." }),
  }),
  permission: "operate",
  answers: { 200: { description: "It is excused.", schema: hostExplanation } },
  errors: ["event-refused", "needs-migration", "machine-fault"],
  example: { params: hostExample, body: { reason: "it is being repaired" } },
  isChange: true,
  async run({ params: { rollout, host }, body }, caller, workplace) {
    const fleet = fleetOf(workplace);
    await fleet.explainHost(rollout, host); // says whose host it is not, which the event could not
    await fleet.excuse(rollout, host, body, asked(caller));
    return { status: 200, body: explanationOfHost(await fleet.explainHost(rollout, host)) };
  },
});
