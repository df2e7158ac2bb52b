/** Fields of a wall clock. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

/** `2026-12-20T00:00`; undefined for what is no day or no time, `24:00` too. */
export function parseLocalTime(text: string): LocalTime | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
  const time = { year, month, day, hour, minute };
  const isReal = new Date(asUtc(time)).toISOString().startsWith(text);
  return isReal ? time : undefined;
}

/** Minutes since midnight of `07:30`; `24:00` is 1440. Undefined for what is no time of the day. */
export function parseTimeOfDay(text: string): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  return minutes <= 1_440 ? minutes : undefined;
}

/** The instant that UTC's wall clock would show these fields at: a number to compare and to count days with. */
export function asUtc({ year, month, day, hour, minute }: LocalTime): number {
  const date = new Date(0); // Date.UTC takes the years 0 to 99 for 1900 to 1999
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute);
}

/** An IANA name that this runtime knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}

export interface Zone {
  /** What the zone's wall clock shows, as the instant at which UTC's shows it. */
  localAt(at: number): number;
  /** First instant at which the wall clock shows this time or, where it was put forward over it, a later one. */
  firstAt(local: number): number;
  /** Last instant at which the wall clock comes to this time: where it was put back over it, the second. */
  lastAt(local: number): number;
}

const dayMs = 86_400_000;

/** Reads an IANA time zone from Intl. Throws for a name that it does not know. */
export function zoneOf(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US-u-ca-iso8601", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const localAt = (at: number) => localOf(format, at);
  const instantsOf = (local: number) => {
    // A clock is put back or forward by less than a day, and not twice within two.
    const offsets = [local - dayMs, local + dayMs].map((at) => localAt(at) - at);
    return offsets.map((offset) => local - offset).filter((at) => localAt(at) === local);
  };
  return {
    localAt,
    firstAt: (local) => Math.min(...orTheChange(instantsOf(local), local, localAt)),
    lastAt: (local) => Math.max(...orTheChange(instantsOf(local), local, localAt)),
  };
}

function localOf(format: Intl.DateTimeFormat, at: number): number {
  const fields = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields;
  const ms = ((at % 1_000) + 1_000) % 1_000;
  return asUtc({ year, month, day, hour, minute }) + second * 1_000 + ms;
}

/** A time that the wall clock never showed: the instant at which it was put forward over it. */
function orTheChange(instants: number[], local: number, localAt: (at: number) => number): number[] {
  if (instants.length > 0) return instants;
  let before = local - 2 * dayMs;
  let after = local + 2 * dayMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (localAt(middle) < local) before = middle;
    else after = middle;
  }
  return [after];
}
