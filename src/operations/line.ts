import { z } from "zod";
import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import { lineId } from "../fleet/instance-ids.ts";
import { sentEvent } from "./answer-schemas.ts";
import { asked, versionOf } from "./asked.ts";
import { fleetOf } from "./fleet-of.ts";
import { operation, type Answer, type Caller, type Refused, type Workplace } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { line, type LineView } from "./rollout-schemas.ts";
import { sentAnswer, timeText } from "./wire.ts";

const path = "/v1/freeze";
const sent = { description: "The line has accepted it.", schema: sentEvent, headers: ["ETag"] } as const;
const sentErrors = ["not-found", "event-refused", "needs-migration", "machine-fault"] as const;

export const showFreeze = operation({
  name: "show-freeze",
  summary: "Whether the line is stopped, since when, by whom and why.",
  method: "GET",
  path,
  permission: "read",
  answers: { 200: { description: "The line.", schema: line, headers: ["ETag"] } },
  errors: ["not-found"],
  isChange: false,
  async run(_asked, _caller, workplace) {
    fleetOf(workplace);
    const instance = await readLine(workplace.engine);
    return { status: 200, body: lineBody(instance), ...(instance && { version: instance.version }) };
  },
});

export const freezeLine = operation({
  name: "freeze-line",
  summary: "Stops the line: nothing is dispatched to any host; what has begun goes on, and an undo passes.",
  method: "POST",
  path,
  body: z
    .strictObject({
      reason: z.string().min(1).max(1_000).optional().meta({ description: "Why, for whoever finds it stopped." }),
    })
    .optional(),
  permission: "operate",
  answers: { 200: { ...sent, examples: ["line-stopped"] } },
  errors: sentErrors,
  example: { body: { reason: "the till is down" } },
  isChange: true,
  isOfVersion: true,
  run: ({ body }, caller, workplace) => send(workplace, caller, { ...body, type: "line.freeze" }),
});

export const thawLine = operation({
  name: "thaw-line",
  summary: "Lets the line run again.",
  method: "DELETE",
  path,
  permission: "operate",
  answers: { 200: { ...sent, examples: ["line-running"] } },
  errors: sentErrors,
  isChange: true,
  isOfVersion: true,
  run: (_asked, caller, workplace) => send(workplace, caller, { type: "line.thaw" }),
});

/** The line is made by whoever needs it first. */
async function send(
  workplace: Workplace,
  caller: Caller,
  event: { type: string },
): Promise<Refused | (Answer & { status: 200; body: z.output<typeof sentEvent> })> {
  fleetOf(workplace);
  const { engine } = workplace;
  checkOutsideEvent(engine, caller, { id: lineId, machine: "line", event });
  const create = { machine: "line", id: lineId, input: {} };
  const moves = [{ create }, { id: lineId, event, ...versionOf(caller) }];
  const sents = await engine.transact(moves, asked(caller));
  const sent = sents.at(-1) as (typeof sents)[number]; // there are moves
  return sentAnswer(sent, event.type);
}

/** Undefined when nobody has needed it yet. */
function readLine(engine: Engine): Promise<Instance | undefined> {
  return ifThere(engine.read(lineId));
}

function lineBody(instance: Instance | undefined): LineView {
  const { stopped = null } = (instance?.context ?? {}) as {
    stopped?: { by: string; reason: string | null; at: number } | null;
  };
  return {
    state: stopped === null ? "Running" : "Stopped",
    since: instance === undefined ? null : timeText(instance.since),
    by: stopped?.by ?? null,
    reason: stopped?.reason ?? null,
  };
}

/** The line as it is told with the fleet. */
export async function lineOf(engine: Engine): Promise<LineView> {
  return lineBody(await readLine(engine));
}
