import { createMachine, type AnyStateMachine } from "xstate";
import { beforeAll, describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { maintenanceGroup } from "../../machines/maintenance-group/maintenance-group.ts";
import { stateNodesOf } from "../../src/core/machine.ts";
import { describeChart, isNoOp, statesOf } from "../../src/diagram/graph.ts";
import { layChartOut, type Layout } from "../../src/diagram/layout.ts";
import { drawSvg, svgOf } from "../../src/diagram/svg.ts";
import { everyKind, hostileNames } from "./every-kind.ts";
import { collisionsIn } from "./legibility.ts";
import { elementsOf, type XmlElement } from "./well-formed.ts";

const charts: [name: string, chart: AnyStateMachine][] = [
  ...machines.map(({ name, chart }): [string, AnyStateMachine] => [name, chart]),
  ["everyKind", everyKind],
  ["hostileNames", hostileNames],
];

describe.each(charts)("the picture of %s", (_, chart) => {
  let layout: Layout;
  let svg: string;
  let elements: XmlElement[];

  beforeAll(async () => {
    const described = describeChart(chart);
    layout = await layChartOut(described);
    svg = svgOf(described, layout);
    elements = elementsOf(svg);
  });

  it("has nothing on top of something else, and fits a wide frame where it can be read", () => {
    expect(collisionsIn(layout)).toEqual([]);
    expect(Math.max(layout.width, layout.height * 1.6)).toBeLessThan(2_600);
  });

  it("is an image with a title and a description, and refers to nothing outside", () => {
    expect(elements[0]).toMatchObject({ name: "svg", attributes: { role: "img" } });
    expect(elements.slice(1, 3).map(({ name }) => name)).toEqual(["title", "desc"]);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/\bhref=|url\(|@import|http:/);
  });

  it("shows every state once", () => {
    const shown = elements.flatMap(({ attributes }) => attributes["data-state"] ?? []);

    expect(shown.toSorted()).toEqual(
      stateNodesOf(chart)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(elements.flatMap(({ attributes }) => attributes["id"] ?? [])).toEqual(shown);
  });

  it("shows every arc that moves or does something, on a track or in its state", () => {
    const events = elements.flatMap(({ attributes }) =>
      "data-event" in attributes && !("data-from" in attributes) ? [attributes["data-event"]] : [],
    );
    const wanted = statesOf(describeChart(chart)).flatMap(({ arcs }) =>
      arcs
        .filter((arc) => !isNoOp(arc))
        .flatMap(({ trigger, targets }) => {
          const event = trigger.event === "" ? "always" : trigger.event.replaceAll("\u0000", "\ufffd");
          return targets.length < 2 ? [event] : targets.map(() => event);
        }),
    );

    expect(new Set(events)).toEqual(new Set(wanted));
    expect(events.length).toBeGreaterThanOrEqual(wanted.length); // a row may take two lines
  });

  it("says of every track where it comes from and goes to", () => {
    const ids = new Set(stateNodesOf(chart).map(({ id }) => id));
    const tracks = elements.filter(({ attributes }) => "data-from" in attributes);

    expect(tracks).toHaveLength(layout.tracks.length);
    for (const { attributes } of tracks) {
      expect([attributes["data-from"], attributes["data-to"]].map((id) => ids.has(id ?? ""))).toEqual([true, true]);
    }
  });

  it("is the same, byte for byte, when it is drawn again", async () => {
    expect((await drawSvg({ chart })) === svg).toBe(true);
  });
});

describe("a picture", () => {
  it("keeps hostile names as text", async () => {
    const svg = await drawSvg({ chart: hostileNames }, { title: `<img src="x" onerror='alert(1)'>` });

    expect(new Set(elementsOf(svg).map(({ name }) => name))).toEqual(
      new Set(["svg", "title", "desc", "style", "rect", "g", "path", "circle", "text"]),
    );
    expect(
      elementsOf(svg)
        .flatMap(({ attributes }) => Object.keys(attributes))
        .filter((name) => name.startsWith("on")),
    ).toEqual([]);
    expect(svg).not.toContain("\u0000");
  });

  it("lights the active states and is called as one wishes", async () => {
    const svg = await drawSvg(maintenanceGroup, { active: ["maintenanceGroup.Open"], title: "group/racks" });
    const lit = elementsOf(svg).filter(({ attributes }) => attributes["class"]?.split(" ").includes("lit"));

    expect(lit.map(({ attributes }) => attributes["data-state"])).toEqual(["maintenanceGroup.Open"]);
    expect(svg).toContain("<title>group/racks</title>");
  });
});

describe("a layout", () => {
  it("gives a region the width of its text, and one without states its place", async () => {
    const description = "A region whose one state is much narrower than what there is to say of it.";
    const region = { description, initial: "Only", states: { Only: {} } };
    const chart = createMachine({
      id: "regions",
      type: "parallel",
      states: { First: region, Second: region, Third: { description } },
    });

    const layout = await layChartOut(describeChart(chart));

    expect(collisionsIn(layout)).toEqual([]);
    expect(layout.states.every(({ width, height, face }) => width >= face.width && height >= face.height)).toBe(true);
    expect(layout.partings).toHaveLength(2);
  });
});

describe("the checks", () => {
  it("see a card that is moved onto another one, onto a state and into a line", async () => {
    const layout = await layChartOut(describeChart(maintenanceGroup.chart));
    const [first, ...others] = layout.tracks.filter(({ card }) => card !== undefined);
    const state = layout.states.find(({ state: { key } }) => key === "Open");
    const line = others.at(-1)?.pieces[0]?.[0];
    const movedTo = (x = 0, y = 0): Layout => ({
      ...layout,
      tracks: layout.tracks.map((track) =>
        track === first && track.card ? { ...track, card: { ...track.card, x, y } } : track,
      ),
    });

    expect(collisionsIn(movedTo(others[0]?.card?.x, others[0]?.card?.y)).join()).toContain("meets card");
    expect(collisionsIn(movedTo(state?.x, state?.y)).join()).toContain("meets state maintenanceGroup.Open");
    expect(collisionsIn(movedTo((line?.x ?? 0) - 5, (line?.y ?? 0) - 5)).join()).toContain("meets line");
    expect(collisionsIn(movedTo(-50, -50)).join()).toContain("is outside");
  });

  it.each([
    "<a>",
    "<a></b>",
    "<a><b></a></b>",
    "<a x=1/>",
    "<a>&nbsp;</a>",
    "<a/>text",
    '<a x="1" x="2"/>',
    "<a>\u0000</a>",
  ])("see that %j is not well formed", (xml) => {
    expect(() => elementsOf(xml)).toThrow(Error);
  });
});
