import { refPattern } from "../../machines/rollout/rollout-id.ts";
import { SignalboxError } from "../core/errors.ts";
import { parseDuration } from "../planning/duration.ts";
import type { Fleet } from "../planning/fleet.ts";
import { parseInstant } from "../planning/instant.ts";
import type { Behaviour } from "./fate.ts";

/** What is simulated. Times are epoch ms, durations ms. */
export interface Settings {
  readonly ref: string;
  /** Channels over which it is rolled out, in order of name. */
  readonly channels: readonly string[];
  /** Hosts of the simulated fleet. */
  readonly hosts: number;
  readonly behaviour: Behaviour;
  /** How long after a wave asks for them its approvals are given; null: never. */
  readonly approveAfterMs: number | null;
  readonly seed: string;
  readonly runs: number;
  readonly startsAt: number;
  /** How long after the start it is given up. */
  readonly horizonMs: number;
}

/** The same as a caller writes it, by the names of the options. */
export interface AskedSettings {
  ref: string;
  channel?: readonly string[];
  hosts?: string;
  failureRate?: string;
  bad?: boolean;
  unreachable?: string;
  activationTime?: string;
  approveAfter?: string;
  seed?: string;
  runs?: string;
  at?: string;
  until?: string;
}

const hostsMax = 200_000; // as many as a declaration may have
const runsMax = 10_000; // each holds one line of its outcome
const defaultHorizonMs = 30 * 86_400_000; // whoever waits longer waits for a person
const horizonMaxMs = 366 * 86_400_000;

/** Throws `invalid-request` with every fault. `now`: when nobody says at what time it starts. */
export function parseSettings(asked: AskedSettings, fleet: Fleet, now: number): Settings {
  const faults: { pointer: string; detail: string }[] = [];
  const read = <Value>(
    option: string,
    text: string | undefined,
    parse: (text: string) => Value | string,
    otherwise: Value,
  ) => {
    if (text === undefined) return otherwise;
    const value = parse(text);
    if (typeof value !== "string") return value;
    faults.push({ pointer: option, detail: value });
    return otherwise;
  };

  const known = [...fleet.channels.keys()].toSorted();
  const channels =
    asked.channel === undefined || asked.channel.length === 0 ? known : [...new Set(asked.channel)].toSorted();
  for (const channel of channels.filter((each) => !fleet.channels.has(each)))
    faults.push({
      pointer: "--channel",
      detail: `the fleet has no channel ${channel}; it has ${known.join(", ") || "none"}`,
    });
  if (!refPattern.test(asked.ref))
    faults.push({
      pointer: "--ref",
      detail: `"${asked.ref}" is no ref: 1 to 128 letters, digits and . _ + -, beginning with a letter or digit`,
    });
  if (asked.bad === true && asked.failureRate !== undefined)
    faults.push({ pointer: "--bad", detail: "a bad ref fails everywhere: leave --failure-rate out" });

  const startsAt = read("--at", asked.at, readTime, now);
  const settings: Settings = {
    ref: asked.ref,
    channels,
    hosts: read("--hosts", asked.hosts, (text) => readCount(text, hostsMax, "hosts"), fleet.hosts.size),
    behaviour: {
      failureRate: asked.bad === true ? 1 : read("--failure-rate", asked.failureRate, readShare, 0),
      unreachable: read("--unreachable", asked.unreachable, readShare, 0),
      activationMs: read("--activation-time", asked.activationTime, readRange, { from: 30_000, to: 90_000 }),
    },
    approveAfterMs: read<number | null>("--approve-after", asked.approveAfter, readDelay, 0),
    seed: read("--seed", asked.seed, readSeed, { text: "1" }).text,
    runs: read("--runs", asked.runs, (text) => readCount(text, runsMax, "runs"), 1),
    startsAt,
    horizonMs: read("--until", asked.until, (text) => readHorizon(text, startsAt), defaultHorizonMs),
  };
  if (faults.length === 0 && settings.hosts === 0)
    faults.push({ pointer: "--hosts", detail: "the fleet declares no host: there is nothing to simulate" });
  if (faults.length === 0) return settings;
  const told = faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ");
  throw new SignalboxError("invalid-request", `This cannot be simulated: ${told}.`, { errors: faults });
}

function readCount(text: string, most: number, what: string): number | string {
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1 && count <= most) return count;
  return `expected a number of ${what} from 1 to ${most}, not ${text}`;
}

/** `0.02` or `2%`. */
function readShare(text: string): number | string {
  const [, number, percent] = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text) ?? [];
  const share = number === undefined ? Number.NaN : Number(number) / (percent === "%" ? 100 : 1);
  return share <= 1 ? share : `expected a share such as 0.02 or 2%, not ${text}`;
}

function readRange(text: string): { from: number; to: number } | string {
  const [first = "", second = first, ...more] = text.split("..");
  const from = parseDuration(first);
  const to = parseDuration(second);
  if (from === undefined || to === undefined || more.length > 0)
    return `expected a duration or a range of them, such as 45s or 30s..90s, not ${text}`;
  if (to < from) return `${text} runs backwards: write the shorter time first`;
  return to <= 86_400_000 ? { from, to } : `an activation takes at most 24h, not ${second}`;
}

function readDelay(text: string): number | null | string {
  if (text === "never") return null;
  const delay = parseDuration(text);
  return delay !== undefined && delay <= horizonMaxMs
    ? delay
    : `expected a duration such as 10m, or never, not ${text}`;
}

function readSeed(text: string): { text: string } | string {
  return text.length >= 1 && text.length <= 200 ? { text } : "expected a text of 1 to 200 characters";
}

function readTime(text: string): number | string {
  return parseInstant(text) ?? `expected a time such as 2026-12-18T09:00Z, not ${text}`;
}

function readHorizon(text: string, startsAt: number): number | string {
  const duration = parseDuration(text) ?? timeAfter(text, startsAt);
  if (duration === undefined)
    return `expected a duration such as 12h, or a time such as 2026-12-18T18:00Z, not ${text}`;
  if (duration <= 0) return `${text} is not after the start`;
  return duration <= horizonMaxMs ? duration : `${text} is more than ${horizonMaxMs / 86_400_000} days after the start`;
}

function timeAfter(text: string, startsAt: number): number | undefined {
  const at = readTime(text);
  return typeof at === "number" ? at - startsAt : undefined;
}
