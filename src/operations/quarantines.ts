import { z } from "zod";
import type { Quarantine } from "../../machines/channel/context.ts";
import { refPattern, refRule } from "../../machines/rollout/rollout-id.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import { channelIdOf } from "../fleet/instance-ids.ts";
import { sentEvent } from "./answer-schemas.ts";
import { asked, versionOf } from "./asked.ts";
import { fleetOf } from "./fleet-of.ts";
import { operation } from "./operation.ts";
import { checkOutsideEvent } from "./outside-event.ts";
import { quarantineList, type QuarantineView } from "./rollout-schemas.ts";
import { channelName } from "./rollouts.ts";
import { sentAnswer, timeText } from "./wire.ts";

export const listQuarantines = operation({
  name: "list-quarantines",
  summary: "Versions that are not dispatched to the hosts of a channel, the newest quarantine first.",
  method: "GET",
  path: "/v1/quarantines",
  permission: "read",
  answers: { 200: { description: "All of them.", schema: quarantineList } },
  errors: ["not-found"],
  isChange: false,
  async run(_asked, _caller, workplace) {
    fleetOf(workplace);
    const items = [...(await quarantinesOf(workplace.engine)).values()].flat();
    return { status: 200, body: { items: items.toSorted((a, b) => compare(b.since, a.since) || byName(a, b)) } };
  },
});

export const clearQuarantine = operation({
  name: "clear-quarantine",
  summary: "Lets a version be dispatched to the hosts of a channel again.",
  method: "POST",
  path: "/v1/quarantines/:channel/:ref/clear",
  params: z.strictObject({
    channel: channelName.meta({ description: "The name of a channel." }),
    ref: z.string().regex(refPattern, refRule).meta({ description: "The version." }),
  }),
  body: z.strictObject({
    reason: z.string().min(1).max(1_000).meta({ description: "Why, for whoever reads the journal." }),
  }),
  permission: "operate",
  answers: {
    200: {
      description: "The channel has accepted it.",
      schema: sentEvent,
      examples: ["quarantine-cleared"],
      headers: ["ETag"],
    },
  },
  errors: ["event-refused", "needs-migration", "machine-fault"],
  example: { params: { channel: "stable", ref: "v41" }, body: { reason: "the disk was full" } },
  isChange: true,
  isOfVersion: true,
  async run({ params: { channel, ref }, body }, caller, workplace) {
    fleetOf(workplace);
    const { engine } = workplace;
    const id = channelIdOf(channel);
    const event = { type: "quarantine.cleared", ref, ...body };
    checkOutsideEvent(engine, caller, { id, machine: "channel", event });
    await checkIsChannel(engine, channel);
    return sentAnswer(await engine.send(id, event, { ...asked(caller), ...versionOf(caller) }), event.type);
  },
});

/** Throws `not-found` for one that nothing was ever rolled out to. */
async function checkIsChannel(engine: Engine, channel: string): Promise<void> {
  if ((await ifThere(engine.machineOf(channelIdOf(channel)))) === "channel") return;
  throw new SignalboxError("not-found", `There is no channel ${channel} with rollouts.`);
}

/** By channel; each in order of the version. */
export async function quarantinesOf(engine: Engine): Promise<Map<string, QuarantineView[]>> {
  const found = new Map<string, QuarantineView[]>();
  for (let cursor: string | undefined; ; ) {
    const page = await engine.list({ machine: "channel", limit: 500, ...(cursor !== undefined && { cursor }) });
    for (const { context } of page.items) {
      const { channel, quarantined = {} } = (context ?? {}) as {
        channel?: string;
        quarantined?: Readonly<Record<string, Quarantine>>;
      };
      if (channel === undefined) continue; // it waits for its migration
      const own = Object.entries(quarantined).map(([ref, { rolloutId, reason, since }]) => ({
        channel,
        ref,
        rolloutId,
        reason,
        since: timeText(since),
      }));
      found.set(channel, own.toSorted(byName));
    }
    if (page.nextCursor === null) return found;
    cursor = page.nextCursor;
  }
}

function byName(a: QuarantineView, b: QuarantineView): number {
  return compare(a.channel, b.channel) || compare(a.ref, b.ref);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
