import { z } from "zod";
import { toleranceSchema } from "../../machines/rollout/events.ts";
import { failurePolicies } from "../../machines/rollout/policy.ts";
import { channelPattern, hostPattern, refPattern, refRule } from "../../machines/rollout/rollout-id.ts";
import { parseDuration } from "./duration.ts";
import { weekdays, type Selector } from "./fleet.ts";
import { isTimeZone, parseLocalTime, parseTimeOfDay } from "./local-time.ts";

/** How each entry of each section of a declaration is written. What they say of one another is `fleet-faults.ts`. */

export const channelName = z
  .string()
  .regex(channelPattern, "a name here is 1 to 63 lower-case letters, digits, dashes or underscores");
const hostName = z.string("expected the name of a host").min(1);
const plainHost = z
  .string("expected the name of a host")
  .regex(hostPattern, "expected the name of one host: letters, digits, dots, dashes and underscores, no range");
const reason = z.string().min(1).max(1_000).nullable().default(null);
const tag = z
  .string("a tag is a text: put it into quotes")
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$/,
    "a tag is 1 to 63 letters, digits and . _ : / = - and begins with a letter or digit",
  );
const percent = z.number().min(0).max(100);
const hostsOfRolloutMax = 10_000_000; // as the rollout's own counters
const count = z.int().nonnegative().max(hostsOfRolloutMax);
const tolerance = z.custom<z.output<typeof toleranceSchema>>(
  (value) => toleranceSchema.safeParse(value).success,
  "write a number of hosts, or a share in whole percent such as 5%",
);

const day = 86_400_000;

/** A text with a unit, in ms, within bounds that the statecharts hold as well. */
function duration({ minMs = 0, maxMs }: { minMs?: number; maxMs: number }) {
  return z.string("expected a duration with its unit, such as 30s, 10m, 2h or 90d").transform((text, context) => {
    const ms = parseDuration(text);
    const fault =
      ms === undefined
        ? `"${text}" is no duration: write a number and its unit, such as 500ms, 30s, 10m, 2h or 90d`
        : ms < minMs || ms > maxMs
          ? `${text} is out of bounds: ${minMs > 0 ? "more than nothing and " : ""}at most ${maxMs / day}d`
          : undefined;
    if (fault === undefined) return ms as number;
    context.addIssue({ code: "custom", message: fault });
    return z.NEVER;
  });
}

const channel = z.strictObject({
  ref: z.string("a ref is a text: put it into quotes").regex(refPattern, refRule),
  policy: channelName,
});

const host = z.strictObject({ channel: channelName, tags: z.array(tag).max(100).default([]) });

export const selector: z.ZodType<Selector> = z.lazy(() =>
  z
    .strictObject({
      all: z.literal(true, "all is true or left out").optional(),
      any: z.array(selector).min(1).max(100).optional(),
      and: z.array(selector).min(1).max(100).optional(),
      not: selector.optional(),
      hosts: z.array(hostName).min(1).max(200_000).optional(),
      channel: channelName.optional(),
      tags: z.array(tag).min(1).max(100).optional(),
      tagsAny: z.array(tag).min(1).max(100).optional(),
    })
    .superRefine((fields, context) => {
      const message = unclear(Object.keys(fields));
      if (message !== undefined) context.addIssue({ code: "custom", message });
    }),
) as z.ZodType<Selector>; // without fields that are there and undefined: what is parsed is JSON

/** `not` and `and` decide alone; a field beside them would be read by nobody. */
function unclear(fields: readonly string[]): string | undefined {
  if (fields.length === 0) return "an empty selector means no host: name some, or write { all: true }";
  const lone = fields.find((field) => field === "not" || field === "and");
  if (lone === undefined || fields.length === 1) return undefined;
  const others = fields.filter((field) => field !== lone).join(", ");
  return `${lone} decides alone: put ${others} and the rest into a selector under and`;
}

const wave = z.strictObject({
  name: z.string().min(1).max(63).optional(),
  hosts: selector,
  soak: duration({ maxMs: 365 * day }).default(0),
  approvals: z.int().min(0).max(20).default(0),
  maxFailures: tolerance.optional(),
  minConverged: count.optional(),
});

export const wavesMax = 1_000; // of one policy

const policy = z.strictObject({
  onHealthFailure: z.enum(failurePolicies).optional(),
  maxFailures: tolerance.default(0),
  minConverged: count.default(1),
  sustained: duration({ maxMs: day }).optional(),
  confirmWithin: duration({ minMs: 1, maxMs: day }).optional(),
  acknowledgeWithin: duration({ minMs: 1, maxMs: day }).optional(),
  excuseAfter: duration({ minMs: 1, maxMs: 30 * day }).optional(),
  excusedMaxPct: percent.default(10),
  waves: z.array(wave).max(wavesMax).default([]),
});

const budget = z.strictObject({
  hosts: selector,
  maxInFlight: z.int().min(1, "a budget of nothing would hold its hosts for ever: write at least 1").optional(),
  maxInFlightPct: z.number().positive("write more than 0 and at most 100").max(100).optional(),
});

const hostEdge = z.strictObject({ before: plainHost, after: plainHost, reason });
const channelEdge = z.strictObject({ before: channelName, after: channelName, reason });

const ofEveryFreeze = {
  name: z.string().min(1).max(100),
  timeZone: z.string().refine(isTimeZone, {
    error: ({ input }) =>
      `"${String(input)}" is no time zone that is known here: write an IANA name such as Europe/Berlin`,
  }),
  channels: z.array(channelName).min(1, "name a channel, or leave channels out to hold all").max(10_000).optional(),
};

const timeOfDay = z
  .string('write the time in quotes, such as "22:00"')
  .refine((text) => parseTimeOfDay(text) !== undefined, {
    error: ({ input }) => `"${String(input)}" is no time of the day: write it as 22:00, the end of the day as 24:00`,
  });
const localTime = z
  .string('write the time in quotes, such as "2026-12-20T00:00"')
  .refine((text) => parseLocalTime(text) !== undefined, {
    error: ({ input }) => `"${String(input)}" is no day and time: write it as 2026-12-20T00:00, without an offset`,
  });

const weeklyFreeze = z.strictObject({
  ...ofEveryFreeze,
  days: z.array(z.enum(weekdays)).min(1).max(7),
  from: timeOfDay,
  to: timeOfDay,
});
const singleFreeze = z.strictObject({
  ...ofEveryFreeze,
  days: z.undefined().optional(),
  from: localTime,
  to: localTime,
});

/** Weekly when it names days. */
export function freezeSchemaOf(raw: unknown): typeof weeklyFreeze | typeof singleFreeze {
  return typeof raw === "object" && raw !== null && "days" in raw ? weeklyFreeze : singleFreeze;
}

export const entrySchemas = { channel, host, policy, budget, hostEdge, channelEdge };
export const retentionSchema = duration({ minMs: 1, maxMs: 3_650 * day });

export type ChannelEntry = z.output<typeof channel>;
export type HostEntry = z.output<typeof host>;
export type PolicyEntry = z.output<typeof policy>;
export type WaveEntry = z.output<typeof wave>;
export type BudgetEntry = z.output<typeof budget>;
export type HostEdgeEntry = z.output<typeof hostEdge>;
export type ChannelEdgeEntry = z.output<typeof channelEdge>;
export type FreezeEntry = z.output<typeof weeklyFreeze> | z.output<typeof singleFreeze>;
