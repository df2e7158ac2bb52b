import type { Page } from "playwright-core";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { machines as ours } from "../../machines/index.ts";
import { describeInBrowser, violationsOn } from "../support/browser.ts";
import { messenger } from "../support/test-machines.ts";
import { addNode, createSite, type Site } from "../http/site.ts";
import { live, openInspect, overhang, placeOf } from "./inspect-page.ts";
import { hostile, hostileName, survey } from "./inspected-machines.ts";

const machines = [...ours, messenger, survey, hostile];

async function fullSite(): Promise<Site> {
  const site = await createSite({ machines, limits: { deliveryAttemptsMax: 1 } });
  const { engine } = site;
  for (const id of ["m", "deaf"]) await engine.create({ machine: "messenger", id, input: {} });
  await engine.send("m", { type: "say", to: "deaf", words: ["poison"] });
  await engine.create({ machine: "survey", id: "s", input: {}, labels: { rack: "r1" } });
  await addNode(site, "alpha");
  await engine.send("node/alpha", { type: "maintenance.enter", reason: "a new kernel" });
  await engine.send("node/alpha", { type: "drain.progressed", replicas: ["web-1"], daemons: [] });
  await site.advance(600_000);
  await engine.send("node/alpha", { type: "maintenance.exit" });
  return site;
}

/** Each view, and what makes it complete. */
const views: readonly { name: string; place: string; arrange: (page: Page) => Promise<void> }[] = [
  {
    name: "the list",
    place: "",
    arrange: (page) => page.getByText("Dead letter:").waitFor(),
  },
  {
    name: "an instance with a refusal",
    place: placeOf("node/alpha"),
    async arrange(page) {
      await page.getByRole("button", { name: "maintenance.exit" }).click();
      await page.getByRole("button", { name: "Check" }).click();
      await page.locator(".verdict").getByText("It would be refused").waitFor();
    },
  },
  {
    name: "a moment of the past, as an outline",
    place: placeOf("node/alpha", 6),
    async arrange(page) {
      await page.locator(".moment").getByText("The past").waitFor();
      await page.getByRole("button", { name: "Outline" }).click();
      expect(await page.locator(".outline .leaf-state[aria-current]").count()).toBe(2);
    },
  },
  {
    name: "a form with every field in it",
    place: placeOf("s"),
    async arrange(page) {
      await page.getByRole("button", { name: "answer" }).click();
      for (const add of await page.getByRole("button", { name: /^Add/ }).all()) await add.click();
      await page.getByRole("button", { name: "Send" }).click();
    },
  },
  {
    name: "a dead letter and its confirmation",
    place: placeOf("m"),
    arrange: (page) => page.getByRole("button", { name: "Discard" }).click(),
  },
  {
    name: "the keys",
    place: placeOf("s"),
    async arrange(page) {
      await live(page);
      await page.keyboard.press("?");
    },
  },
  {
    name: "an instance that is not there",
    place: placeOf("nobody"),
    async arrange(page) {
      await page.getByText("no such instance").waitFor();
      expect(await page.locator("#connection").isVisible()).toBe(false);
      expect(await page.title()).toBe("No nobody · Signalbox");
    },
  },
];

/** Both colours and both widths for each view. */
const looks = [
  ["light", 1_440],
  ["dark", 390],
] as const;

describeInBrowser("the inspect page", (open) => {
  it.each(views)(
    "can be read by everybody, light and dark, wide and narrow, and keeps to itself: $name",
    async (view) => {
      const { url } = await fullSite();
      const { page, told, asked } = await openInspect(open, url, view.place);
      await view.arrange(page);

      for (const [colorScheme, width] of looks) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });

        expect([colorScheme, await violationsOn(page)]).toEqual([colorScheme, []]);
        expect([width, await overhang(page)]).toEqual([width, 0]);
      }
      expect(told).toEqual([]);
      expect(asked.filter((each) => !each.startsWith(`${url}/`) && !each.startsWith("data:"))).toEqual([]);
    },
  );

  it("sees what is wrong: a control without a name, a box that is too wide, a style that the policy blocks", async () => {
    const { url } = await createSite({ machines });
    const { page, told } = await openInspect(open, url, "", { viewport: { width: 390, height: 800 } });
    await live(page);

    await page.evaluate(`
      const button = document.createElement("button");
      button.className = "planted";
      document.querySelector("main").append(button, Object.assign(document.createElement("div"), { innerHTML: "<p style='color:red'>wide</p>" }));
      document.querySelector("main").lastChild.style.width = "900px";
    `);

    expect(await violationsOn(page, ".planted")).toEqual(["button-name"]);
    expect(await overhang(page)).toBeGreaterThan(0);
    await expect.poll(() => told).toEqual([expect.stringContaining("Content Security Policy")]);
  });

  it("writes names that try to be markup as text, everywhere", async () => {
    const site = await createSite({ machines });
    const id = hostileName;
    const labels = { [hostileName.slice(0, 190)]: hostileName };
    await site.engine.create({ machine: hostileName, id, input: {}, labels });
    await site.engine.send(id, { type: hostileName, [hostileName]: hostileName }, { principal: hostileName });
    await site.engine.send(id, { type: "refused" }, { principal: hostileName });
    const { page, told } = await openInspect(open, site.url);

    const isUnhurt = async () => {
      expect(await page.evaluate("typeof hurt")).toBe("undefined");
      expect(await page.locator("main img, main script, main iframe").count()).toBe(0);
      expect(await overhang(page)).toBe(0);
      expect(told).toEqual([]);
    };
    await page.getByRole("region", { name: "Needs attention" }).getByText("Refused:").waitFor();
    await isUnhurt();
    await page.setViewportSize({ width: 390, height: 800 });
    await isUnhurt();
    await page.getByRole("region", { name: "Needs attention" }).getByRole("link").click();
    await live(page);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(hostileName);
    await page.locator(".stage [data-state].lit").first().waitFor();
    await page.locator(".chip").first().click();
    await page.getByRole("button", { name: "Check" }).click();
    await page.locator(".verdict").getByText("It would be accepted").waitFor();
    await page.locator(".chip", { hasText: "refused" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict .reasons").waitFor();
    await isUnhurt();
    await page.getByRole("button", { name: "Outline" }).click();
    await page.keyboard.press(",");
    await page.locator(".moment").getByText("The past").waitFor();
    await isUnhurt();
  });

  it("shows a name of blanks alone by what it is made of", async () => {
    const site = await createSite({ machines });
    const labels = { rack: "  ", row: "\u200b\u3164" };
    await site.engine.create({ machine: hostileName, id: "h", input: {}, labels });
    const { page } = await openInspect(open, site.url, placeOf("h"));
    await live(page);

    const shown = await page.locator(".who .labels li").allTextContents();

    expect(shown.slice(0, 2)).toEqual(['rack: "  "', 'row: "\\u{200b}\\u{3164}"']);
    expect(await violationsOn(page)).toEqual([]);
  });

  it("isolates the direction of names, so that one that turns round turns nothing else", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: hostileName, id: hostileName, input: {} });
    const { page } = await openInspect(open, site.url, placeOf(hostileName));
    await live(page);

    const loose: unknown = await page.evaluate(`(() => {
      const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
      const found = [];
      while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        const isDrawn = parentElement.closest("svg") !== null;
        if (data.includes("\\u202e") && !isDrawn && parentElement.closest("bdi, option, title") === null) found.push(parentElement.outerHTML.slice(0, 80));
      }
      return found;
    })()`);
    expect(loose).toEqual([]);
  });

  it("moves nothing where the reader wants no motion", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "survey", id: "s", input: {} });
    const { page } = await openInspect(open, site.url, placeOf("s"), { reducedMotion: "reduce" });
    await live(page);

    await site.engine.send("s", {
      type: "answer",
      name: "a",
      count: 1,
      isSure: true,
      colour: "red",
      address: { street: "" },
    });
    await page.locator(".plaque", { hasText: "Answered" }).waitFor();

    expect(await page.locator(".pulse").count()).toBe(0);
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
  });

  it("tells states apart without colours", async () => {
    const site = await fullSite();
    const { page } = await openInspect(open, site.url, placeOf("node/alpha"), { forcedColors: "active" });
    await page.locator(".stage .state.lit").first().waitFor();

    const widthOf = async (selector: string) =>
      Number.parseFloat(
        String(await page.evaluate(`getComputedStyle(document.querySelector("${selector}")).strokeWidth`)),
      );
    const lit = await widthOf(".stage .state.lit:not(.around) > .frame");
    expect(lit).toBeGreaterThan(2 * (await widthOf(".stage .state:not(.lit) > .frame")));
  });

  it("keeps the reader's own choice of colours and of the clock", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "survey", id: "s", input: {} });
    const { page } = await openInspect(open, site.url, placeOf("s"), {
      colorScheme: "light",
      timezoneId: "Asia/Tokyo",
    });
    await live(page);
    const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const before = await paper();
    const time = page.locator(".entry time").first();
    const local = await time.textContent();

    await page.keyboard.press("t");
    await page.keyboard.press("u");

    const dark = await paper();
    expect(dark).not.toBe(before);
    expect(local).toBe("1970-01-01 09:16:40");
    await expect.poll(() => time.textContent()).toBe("1970-01-01 00:16:40 UTC");
    await page.reload();
    await live(page);
    expect(await paper()).toBe(dark);
    await expect.poll(() => time.textContent()).toBe("1970-01-01 00:16:40 UTC");
    await page.keyboard.press("t");
    expect(await paper()).toBe(before);
  });

  it("is light: all that it loads is under 80 kB compressed", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "survey", id: "s", input: {} });
    const context = await open();
    const page = await context.newPage();
    const sizes: Promise<number>[] = [];
    page.on("response", (response) => {
      if (!response.url().includes("/v1/")) sizes.push(response.body().then((body) => gzipSync(body).length));
    });
    await page.goto(`${site.url}/inspect${placeOf("s")}`);
    await live(page);

    const total = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
    expect(total).toBeGreaterThan(20_000);
    expect(total).toBeLessThan(80_000);
  });
});
