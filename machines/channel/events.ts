import { z } from "zod";
import { sentBy, type EventsOf } from "../../src/core/machine.ts";
import { channelPattern, parseRolloutId, refPattern } from "../rollout/rollout-id.ts";
import { rolloutStates } from "../rollout/states.ts";

const ref = z.string().regex(refPattern);
const reason = z.string().min(1).max(1_000);
const rolloutId = z.string().refine((id) => parseRolloutId(id) !== undefined, "expected channel@ref or channel@ref~n");

export const inputSchema = z
  .strictObject({ channel: z.string().regex(channelPattern) })
  .meta({ examples: [{ channel: "stable" }] });

export const eventSchemas = {
  "rollout.opened": sentBy("engine", {
    rolloutId,
    ref,
    run: z.number().int().positive().max(999_999_999),
    /** Somebody tries the ref again although it failed: what its older runs yet say of it is answered. */
    isRetry: z.literal(true).optional(),
  }),
  "rollout.ended": sentBy("engine", { rolloutId, ref, state: z.enum(rolloutStates) }),
  /** It is pruned in the same transaction. */
  "rollout.forgotten": sentBy("engine", { rolloutId }),
  "ref.quarantined": sentBy("engine", { ref, rolloutId, reason }),
  "quarantine.cleared": sentBy("person", { ref, reason }),
} as const;

export type ChannelEvent = EventsOf<typeof eventSchemas>;
export type ChannelEventOf<Type extends ChannelEvent["type"]> = Extract<ChannelEvent, { type: Type }>;
export type ChannelInput = z.output<typeof inputSchema> & { at: number };
