import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FreezeWindow } from "../../src/planning/fleet.ts";
import { createFreezeCalendar, windowAt } from "../../src/planning/freeze-windows.ts";

const berlin = "Europe/Berlin";
const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString().replace(":00.000Z", "Z"));

function weekly(days: readonly string[], from: string, to: string, timeZone = berlin): FreezeWindow {
  return { name: "weekly", timeZone, channels: null, when: { kind: "weekly", days: days as never, from, to } };
}

function once(from: string, to: string, timeZone = berlin): FreezeWindow {
  return { name: "once", timeZone, channels: null, when: { kind: "once", from, to } };
}

function spanAt(windows: readonly FreezeWindow[], text: string) {
  const freeze = windowAt(windows, "stable", at(text));
  return freeze === null ? null : [iso(freeze.since), iso(freeze.until)];
}

describe("a freeze window", () => {
  it("holds from its begin to before its end, by the wall clock of its place", () => {
    const windows = [weekly(["mon"], "09:00", "17:30")];

    expect(spanAt(windows, "2026-01-05T07:59:59Z")).toBeNull();
    expect(spanAt(windows, "2026-01-05T08:00:00Z")).toEqual(["2026-01-05T08:00Z", "2026-01-05T16:30Z"]);
    expect(spanAt(windows, "2026-01-05T16:29:59.999Z")).not.toBeNull();
    expect(spanAt(windows, "2026-01-05T16:30:00Z")).toBeNull();
    expect(spanAt(windows, "2026-01-06T08:00:00Z")).toBeNull();
    expect(spanAt(windows, "2026-07-06T07:00:00Z")).toEqual(["2026-07-06T07:00Z", "2026-07-06T15:30Z"]);
  });

  it("runs over midnight into the next day", () => {
    const windows = [weekly(["fri"], "22:00", "06:00", "UTC")];

    expect(spanAt(windows, "2026-01-09T23:00Z")).toEqual(["2026-01-09T22:00Z", "2026-01-10T06:00Z"]);
    expect(spanAt(windows, "2026-01-10T05:59Z")).toEqual(["2026-01-09T22:00Z", "2026-01-10T06:00Z"]);
    expect(spanAt(windows, "2026-01-10T06:00Z")).toBeNull();
    expect(spanAt(windows, "2026-01-09T05:00Z")).toBeNull();
  });

  it("tells the end of a weekend, not of its first day", () => {
    const windows = [weekly(["sat", "sun"], "00:00", "24:00")];

    expect(spanAt(windows, "2026-01-10T12:00Z")).toEqual(["2026-01-09T23:00Z", "2026-01-11T23:00Z"]);
    expect(spanAt(windows, "2026-01-11T22:59Z")).toEqual(["2026-01-10T23:00Z", "2026-01-11T23:00Z"]);
    expect(spanAt(windows, "2026-01-11T23:00Z")).toBeNull();
  });

  it("of every day ends somewhere all the same", () => {
    const everyDay = weekly(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "00:00", "24:00", "UTC");

    const freeze = windowAt([everyDay], "stable", at("2026-01-10T12:00Z"));

    expect(freeze?.until).toBeGreaterThan(at("2026-01-31T00:00Z"));
  });

  it("is an hour shorter on the night in spring on which the clock is put forward", () => {
    const windows = [weekly(["sun"], "00:00", "06:00")];

    expect(spanAt(windows, "2026-03-29T03:00Z")).toEqual(["2026-03-28T23:00Z", "2026-03-29T04:00Z"]);
  });

  it("is an hour longer on the night in autumn on which the clock is put back", () => {
    const windows = [weekly(["sun"], "00:00", "06:00")];

    expect(spanAt(windows, "2026-10-25T04:30Z")).toEqual(["2026-10-24T22:00Z", "2026-10-25T05:00Z"]);
  });

  it("begins when the clock is put forward over its begin", () => {
    const windows = [weekly(["sun"], "02:30", "04:00")];

    expect(spanAt(windows, "2026-03-29T00:59Z")).toBeNull();
    expect(spanAt(windows, "2026-03-29T01:00Z")).toEqual(["2026-03-29T01:00Z", "2026-03-29T02:00Z"]);
  });

  it("holds over both hours that the clock shows twice", () => {
    const windows = [weekly(["sun"], "02:15", "02:45")];

    expect(spanAt(windows, "2026-10-25T00:14Z")).toBeNull();
    expect(spanAt(windows, "2026-10-25T01:00Z")).toEqual(["2026-10-25T00:15Z", "2026-10-25T01:45Z"]);
    expect(spanAt(windows, "2026-10-25T01:45Z")).toBeNull();
  });

  it("of one time holds from one local time to another, with the offsets of their days", () => {
    const windows = [once("2026-03-20T00:00", "2026-04-02T12:00")];

    expect(spanAt(windows, "2026-03-19T22:59Z")).toBeNull();
    expect(spanAt(windows, "2026-03-25T00:00Z")).toEqual(["2026-03-19T23:00Z", "2026-04-02T10:00Z"]);
    expect(spanAt(windows, "2026-04-02T10:00Z")).toBeNull();
  });

  it("holds in places whose clocks are off by half an hour, and in those a day ahead", () => {
    expect(spanAt([weekly(["mon"], "00:00", "01:00", "Asia/Kolkata")], "2026-01-04T19:00Z")).toEqual([
      "2026-01-04T18:30Z",
      "2026-01-04T19:30Z",
    ]);
    expect(spanAt([weekly(["mon"], "00:00", "01:00", "Pacific/Kiritimati")], "2026-01-04T10:30Z")).toEqual([
      "2026-01-04T10:00Z",
      "2026-01-04T11:00Z",
    ]);
  });

  it("holds the channels that it names, and all when it names none", () => {
    const named = { ...weekly(["mon"], "00:00", "24:00", "UTC"), channels: ["edge"] };
    const monday = at("2026-01-05T12:00Z");

    expect(windowAt([named], "stable", monday)).toBeNull();
    expect(windowAt([named], "edge", monday)?.name).toBe("weekly");
    expect(windowAt([{ ...named, channels: null }], "stable", monday)?.name).toBe("weekly");
  });

  it("is told by the name of the one that began first, until the last that follows without a gap ends", () => {
    const windows = [
      { ...once("2026-01-05T10:00", "2026-01-05T14:00", "UTC"), name: "deploy freeze" },
      { ...once("2026-01-05T09:00", "2026-01-05T12:00", "UTC"), name: "audit" },
      { ...once("2026-01-05T14:00", "2026-01-05T15:00", "UTC"), name: "party" },
      { ...once("2026-01-05T15:01", "2026-01-05T16:00", "UTC"), name: "clean up" },
    ];

    expect(windowAt(windows, "stable", at("2026-01-05T11:00Z"))).toEqual({
      name: "audit",
      since: at("2026-01-05T09:00Z"),
      until: at("2026-01-05T15:00Z"),
    });
  });

  it("holds exactly while the clock on the wall shows a time between its begin and its end", () => {
    const windows = [weekly(["tue", "sat"], "07:30", "19:00")];
    const calendar = createFreezeCalendar(windows);
    const wall = new Intl.DateTimeFormat("en-GB", {
      timeZone: berlin,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });

    fc.assert(
      fc.property(fc.integer({ min: at("2020-01-01T00:00Z"), max: at("2035-01-01T00:00Z") }), (instant) => {
        const [day, time] = wall.format(instant).split(/,? /) as [string, string];
        const shouldHold = ["Tue", "Sat"].includes(day) && time >= "07:30" && time < "19:00";

        const freeze = calendar.at("stable", instant);
        expect(freeze !== null).toBe(shouldHold);
        if (freeze !== null) expect(freeze.since <= instant && instant < freeze.until).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
