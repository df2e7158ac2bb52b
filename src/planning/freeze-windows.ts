import { weekdays, type FreezeWindow } from "./fleet.ts";
import { parseLocalTime, parseTimeOfDay, asUtc, zoneOf, type Zone } from "./local-time.ts";

/** A freeze that holds: since when, and until when with those that follow it without a gap. Epoch ms. */
export interface Freeze {
  readonly name: string;
  readonly since: number;
  readonly until: number;
}

export interface FreezeCalendar {
  /** The freeze that holds a channel at an instant: of several the one that began first. */
  at(channel: string, instant: number): Freeze | null;
}

/**
 * Windows as their places' wall clocks show them. A window is over its end, and over every second of a time that a clock shows
 * twice; a begin that a clock is put forward over is the instant at which it is.
 */
export function createFreezeCalendar(windows: readonly FreezeWindow[]): FreezeCalendar {
  const readers = windows.map((window) => ({ window, reader: readerOf(window) }));
  const found = new Map<string, Freeze | null>();

  function find(channel: string, instant: number): Freeze | null {
    const held = readers.filter(({ window }) => window.channels === null || window.channels.includes(channel));
    const holding = (at: number) =>
      held.flatMap(({ window, reader }) => reader(at).map((span) => ({ ...span, name: window.name })));
    const [first] = holding(instant).toSorted((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1));
    if (first === undefined) return null;
    return { ...first, until: lastUntil(first, holding) };
  }

  return {
    at(channel, instant) {
      const key = `${Math.floor(instant / minuteMs)} ${channel}`; // windows begin and end with a minute
      if (!found.has(key)) {
        if (found.size >= answersMax) found.clear();
        found.set(key, find(channel, instant));
      }
      return found.get(key) ?? null;
    },
  };
}

/** For one question; what asks again and again keeps a calendar. */
export function windowAt(windows: readonly FreezeWindow[], channel: string, at: number): Freeze | null {
  return createFreezeCalendar(windows).at(channel, at);
}

const answersMax = 16; // one rollout asks for now and for a little later

interface Span {
  readonly since: number;
  readonly until: number;
}

const joinsMax = 30; // windows that follow one another: a freeze of every day ends for the reader after a month

function lastUntil(first: Span, holding: (at: number) => Span[]): number {
  let until = first.until;
  for (let joined = 0; joined < joinsMax; joined += 1) {
    const next = Math.max(...holding(until).map((span) => span.until), until);
    if (next === until) break;
    until = next;
  }
  return until;
}

/** The spans of a window that an instant lies in. */
type Reader = (at: number) => Span[];

function readerOf({ timeZone, when }: FreezeWindow): Reader {
  const zone = zoneOf(timeZone);
  if (when.kind === "weekly") return weeklyReader(when, zone);
  const [from, to] = [when.from, when.to].map((text) => asUtc(parseLocalTime(text) ?? noTime(text)));
  const span = { since: zone.firstAt(from as number), until: zone.lastAt(to as number) };
  return (at) => (span.since <= at && at < span.until ? [span] : []);
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

function weeklyReader(when: Extract<FreezeWindow["when"], { kind: "weekly" }>, zone: Zone): Reader {
  const [from, to] = [when.from, when.to].map((text) => parseTimeOfDay(text) ?? noTime(text)) as [number, number];
  const lengthMinutes = to > from ? to - from : to + 1_440 - from;
  return (at) => {
    const midnight = Math.floor(zone.localAt(at) / dayMs) * dayMs;
    // One that runs over midnight began yesterday; and a clock may be put back from the next day.
    const begun = [midnight - dayMs, midnight, midnight + dayMs];
    return begun
      .filter((day) => when.days.includes(weekdayOf(day)))
      .flatMap((day) => {
        const begin = day + from * minuteMs;
        const span = { since: zone.firstAt(begin), until: zone.lastAt(begin + lengthMinutes * minuteMs) };
        return span.since <= at && at < span.until ? [span] : [];
      });
  };
}

function weekdayOf(day: number): (typeof weekdays)[number] {
  const fromMonday = (new Date(day).getUTCDay() + 6) % 7;
  return weekdays[fromMonday] as (typeof weekdays)[number];
}

function noTime(text: string): never {
  throw new Error(`"${text}" is no local time; parseFleet lets none through`);
}
