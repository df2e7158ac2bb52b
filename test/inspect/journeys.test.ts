import { expect, it } from "vitest";
import { machines as ours } from "../../machines/index.ts";
import { describeInBrowser } from "../support/browser.ts";
import { counter, egg, messenger } from "../support/test-machines.ts";
import { addCounter, addNode, createSite } from "../http/site.ts";
import { expectLit, live, openInspect, placeOf } from "./inspect-page.ts";
import { survey } from "./inspected-machines.ts";

const machines = [...ours, counter, egg, messenger, survey];

describeInBrowser("the inspect page", (open) => {
  it("leads from what needs attention over a check and a refusal to an event that moves the chart", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await addNode(site, "beta");
    await site.engine.send("node/alpha", { type: "maintenance.enter" });
    const replicas = Array.from({ length: 12 }, (_, n) => `storefront-replica-${n}`); // a long reason, with what to do at its end
    await site.engine.send("node/alpha", { type: "drain.progressed", replicas, daemons: [] });
    await site.advance(600_000); // the drain fails: nobody performs it
    const { page, told } = await openInspect(open, site.url);

    const needs = page.getByRole("region", { name: "Needs attention" });
    await needs.getByText("Waits for a person:").waitFor();
    expect(await needs.getByRole("link").allTextContents()).toEqual(["node/alpha"]);
    await needs.getByRole("link", { name: "node/alpha" }).click();
    await expectLit(page, "DrainFailed", "Cordoned");

    await page.getByRole("button", { name: "maintenance.exit" }).click();
    await page.getByRole("button", { name: "Check" }).click();
    const verdict = page.locator(".verdict");
    await verdict.getByText("It would be refused").waitFor();
    expect(await verdict.textContent()).toMatch(/Leaving maintenance needs force\..*force-required/);
    expect((await site.engine.read("node/alpha")).version).toBe(4);

    await page.getByRole("button", { name: "Send" }).click();
    await verdict.getByText("Refused").waitFor();
    await page.getByRole("region", { name: "Journal" }).getByText("refused", { exact: true }).first().waitFor();

    await page.getByLabel("force optional").selectOption("yes");
    await page.getByRole("button", { name: "Check" }).click();
    await verdict.getByText("It would be accepted").waitFor();
    expect(await verdict.textContent()).toContain("calls resumeNode");
    await page.getByRole("button", { name: "Send" }).click();
    await verdict.getByText("Done").waitFor();
    await expectLit(page, "ExitingMaintenance", "Cordoned");
    expect(await page.locator(".stage .track.lit").getAttribute("data-event")).toContain("maintenance.exit");
    expect((await site.engine.read("node/alpha")).state).toBe("ExitingMaintenance");
    expect(told).toEqual([]);
  });

  it("shows at once what was sent from elsewhere, in the chart, the journal and the list", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "egg", id: "breakfast", input: { softMs: 30 } });
    const [one, all] = [await openInspect(open, site.url, placeOf("breakfast")), await openInspect(open, site.url)];
    await live(one.page);
    await live(all.page);
    await expectLit(one.page, "Cold");

    await site.engine.send("breakfast", { type: "start", ms: 500 });

    await expectLit(one.page, "Raw");
    await one.page.getByRole("region", { name: "Journal" }).getByRole("link", { name: "start" }).waitFor();
    await one.page.locator(".tree .is-changed", { hasText: "500" }).waitFor();
    await one.page.locator("#ears", { hasText: "breakfast is in Boiling now" }).waitFor({ state: "attached" });
    await all.page.locator("tr", { hasText: "breakfast" }).getByText("Boiling").waitFor();
  });

  it("goes back in time and forth again, and says what each entry changed", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter", reason: "a new kernel" });
    await site.engine.send("node/alpha", { type: "maintenance.exit" });
    await site.engine.send("node/alpha", { type: "drain.progressed", replicas: [], daemons: [] });
    const { page, told } = await openInspect(open, site.url, placeOf("node/alpha"));
    await expectLit(page, "Maintenance", "Cordoned");
    const moment = page.locator(".moment");

    await page.keyboard.press(",");
    await moment.getByText("The past").waitFor();
    await expectLit(page, "EnteringMaintenance", "Cordoned");
    expect(await page.locator(".beneath").textContent()).toContain("does not accept maintenance.exit");
    await page.keyboard.press(",");
    await page.locator(".changed-by", { hasText: "maintenance.enter" }).waitFor();
    expect(await page.locator(".changed-by").textContent()).toContain("a new kernel");
    expect(await page.locator(".stage .track.lit").first().getAttribute("data-event")).toContain("maintenance.enter");
    await page.getByRole("slider").fill("0");
    await expectLit(page, "Active", "Schedulable");
    expect(new URL(page.url()).searchParams.get("at")).toBe("1");
    expect(await page.getByRole("button", { name: "Send" }).isVisible()).toBe(false);

    await page.keyboard.press(".");
    await expectLit(page, "EnteringMaintenance", "Cordoned");
    await page.reload(); // the address holds the moment
    await moment.getByText("The past").waitFor();
    await expectLit(page, "EnteringMaintenance", "Cordoned");
    await page.keyboard.press("Escape");
    await moment.getByText("now").waitFor();
    await expectLit(page, "Maintenance", "Cordoned");
    expect(told).toEqual([]);
  });

  it("goes back as many entries as the key was pressed, however quickly", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    for (let n = 0; n < 9; n += 1) await site.engine.send("c", { type: "inc" });
    const { page } = await openInspect(open, site.url, placeOf("c"));
    await live(page);

    await page.evaluate(`for (let n = 0; n < 6; n += 1) dispatchEvent(new KeyboardEvent("keydown", { key: "," }))`);

    await page.locator(".moment").getByText("4 of 10").waitFor();
  });

  it("says why a moment cannot be shown, and stays where it was", async () => {
    const site = await createSite({ machines, limits: { replayEntriesMax: 2 } });
    await addCounter(site, "c");
    for (let n = 0; n < 4; n += 1) await site.engine.send("c", { type: "inc" });
    const { page } = await openInspect(open, site.url, placeOf("c"));
    await live(page);

    await page.keyboard.press(",");
    await page.getByRole("alert").getByText("nothing is replayed on request").waitFor();
    await page.locator(".moment").getByText("now").waitFor();
    expect(new URL(page.url()).searchParams.get("at")).toBeNull(); // the address is of what is shown
    await page.getByRole("slider").fill("0");
    await page.locator(".moment").getByText("The past").waitFor();
  });

  it("tries a dead letter again when that is meant, and gives it up when that is", async () => {
    const site = await createSite({ machines, limits: { deliveryAttemptsMax: 1 } });
    for (const id of ["m", "deaf"]) await site.engine.create({ machine: "messenger", id, input: {} });
    await site.engine.send("m", { type: "say", to: "deaf", words: ["poison"] });
    await site.settle();
    const { page } = await openInspect(open, site.url);

    await page.getByRole("region", { name: "Needs attention" }).getByText("Dead letter:").waitFor();
    await page.getByRole("link", { name: "m", exact: true }).first().click();
    const row = page.locator(".pending-row.is-dead");
    await row.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect((await site.engine.pending({ state: "dead" })).items).toHaveLength(1);
    await row.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await page.locator(".pending-row.is-due").waitFor();
    expect((await site.engine.pending({ state: "dead" })).items).toEqual([]);

    await site.settle(); // it is as poisonous as before
    await page.reload();
    await row.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByText("no call runs and no timer is set").waitFor();
    expect((await site.engine.pending()).items).toEqual([]);
  });

  it("offers to give up what nobody here performs, not to try it again", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter" });
    const { page } = await openInspect(open, site.url, placeOf("node/alpha"));

    const row = page.locator(".pending-row.is-manual", { hasText: "drainNode" });
    await row.getByRole("button", { name: "Discard" }).waitFor();

    expect(await row.getByRole("button").allTextContents()).toEqual(["Discard"]);
  });

  it("does not send on what has moved on, and keeps what was filled in", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "egg", id: "breakfast", input: { softMs: 30 } });
    const { page } = await openInspect(open, site.url, placeOf("breakfast"));
    await live(page);
    await page.getByRole("button", { name: "start" }).click();
    await page.getByLabel("ms").fill("300");
    await page.route("**/events", async (route) => {
      await site.engine.send("breakfast", { type: "start", ms: 5 }); // somebody else was quicker
      await route.continue();
    });

    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("It has moved on meanwhile").waitFor();
    expect(await page.getByLabel("ms").inputValue()).toBe("300");
    expect((await site.engine.read("breakfast")).context).toMatchObject({ ms: 5 });
  });

  it("sends once what was sent again because the answer was lost", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    const { page } = await openInspect(open, site.url, placeOf("c"));
    await page.getByRole("button", { name: "inc" }).click();
    let lost = 0;
    await page.route("**/events", async (route) => {
      const response = await route.fetch();
      lost += 1;
      if (lost === 1) await route.abort();
      else await route.fulfill({ response });
    });

    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("No answer").waitFor();
    await page.unroute("**/events");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("Done").waitFor();

    expect((await site.engine.read("c")).context).toMatchObject({ count: 1 });
  });

  it("filters and turns pages by the server, in the address", async () => {
    const site = await createSite({ machines });
    for (let n = 0; n < 60; n += 1) await addCounter(site, `c${String(n).padStart(2, "0")}`);
    await addNode(site, "alpha");
    await site.engine.create({ machine: "counter", id: "labelled", input: {}, labels: { rack: "r1" } });
    const { page } = await openInspect(open, site.url);
    const rows = page.locator("table.instances tbody tr:not(.group-head)");
    await expect.poll(() => rows.count()).toBe(6 + 1);

    await page.getByRole("link", { name: "All of counter" }).click();
    await expect.poll(() => rows.count()).toBe(50);
    await page.getByRole("link", { name: "Next page" }).click();
    await expect.poll(() => rows.count()).toBe(11);
    await page.goBack();
    await expect.poll(() => rows.count()).toBe(50);
    await page.getByLabel("Machine").selectOption("");
    await page.keyboard.press("/");
    await page.keyboard.type("c4");
    await expect.poll(() => rows.count()).toBe(10);
    expect(new URL(page.url()).searchParams.get("text")).toBe("c4");
    await page.getByLabel("Id contains").fill("");
    await page.getByLabel("Machine").selectOption("nodeMaintenance");
    await page.getByLabel("State").selectOption("Active");
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel("State").selectOption("Recovery");
    await page.getByText("No instance is like that.").waitFor();
    await page.goto(`${site.url}/inspect?label=rack%3Ar1`);
    await expect.poll(() => rows.count()).toBe(1);
  });

  it("shows first what moves of each machine, and says nothing of a label that the id says already", async () => {
    const site = await createSite({ machines });
    for (const node of ["alpha", "beta"]) await addNode(site, node);
    await site.advance(1_000);
    const labels = { batch: "c@1", rack: "r1" };
    await site.engine.create({ machine: "counter", id: "c@1/1", input: {}, labels });
    await site.engine.send("node/beta", { type: "maintenance.enter", reason: "a new kernel" });
    const { page } = await openInspect(open, site.url);

    const bodies = page.locator("table.instances tbody");
    await expect.poll(() => bodies.allInnerTexts()).toHaveLength(2);
    expect(await bodies.locator("a").allInnerTexts()).toEqual(["node/beta", "node/alpha", "c@1/1"]);
    expect(await bodies.locator(".label").allInnerTexts()).toEqual(["rack: r1"]);
  });

  it("keeps what is below a long list of needs in reach, and leads to the rest of it", async () => {
    const site = await createSite({ machines });
    for (let n = 0; n < 10; n += 1) await site.engine.create({ machine: "survey", id: `s${n}`, input: {} });
    const { page } = await openInspect(open, site.url);
    const needs = page.getByRole("region", { name: "Needs attention" }).getByRole("link");
    await expect.poll(() => needs.count()).toBe(8);

    await page.getByRole("button", { name: "Show all 10" }).click();

    await expect.poll(() => needs.count()).toBe(10);
    expect(await page.evaluate("document.activeElement.textContent")).toBe("s8");
    expect(await page.getByRole("button", { name: /^Show all/ }).count()).toBe(0);
  });

  it("offers what a person may send before what programs tell", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "survey", id: "s", input: {} });
    const { page } = await openInspect(open, site.url, placeOf("s"));
    await live(page);

    await page.getByText("2 not heard in Open").click();

    expect(await page.locator(".unheard .chip").allInnerTexts()).toEqual(["withdraw", "arrived agent"]);
  });

  it("says the state of each region beside what it waits for", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    await site.engine.send("node/alpha", { type: "maintenance.enter", reason: "a new kernel" });
    const { page } = await openInspect(open, site.url, placeOf("node/alpha"));
    await live(page);

    expect(await page.locator(".waits .region").allInnerTexts()).toEqual([
      "lifecycle is EnteringMaintenance",
      "scheduling is Cordoned",
    ]);
  });

  it("is worked by the keyboard alone, from the list to an event that is sent", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "egg", id: "breakfast", input: { softMs: 30 } });
    const { page, told } = await openInspect(open, site.url);
    await live(page);
    const focused = async () => (await page.evaluate("document.activeElement?.textContent?.trim() ?? ''")) as string;
    const tabTo = async (text: string) => {
      for (let n = 0; n < 40 && (await focused()) !== text; n += 1) await page.keyboard.press("Tab");
      expect(await focused()).toBe(text);
    };

    await page.keyboard.press("Tab");
    expect(await focused()).toBe("To the content");
    await page.keyboard.press("Enter");
    await tabTo("breakfast");
    await page.keyboard.press("Enter");
    await expectLit(page, "Cold");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("back to now").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    await tabTo("start");
    await page.keyboard.press("Enter");
    await page.keyboard.type("500");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Check");
    await page.keyboard.press("Enter");
    await page.locator(".verdict").getByText("It would be accepted").waitFor();
    await tabTo("Send");
    await page.keyboard.press("Enter");
    await page.locator(".verdict").getByText("Done").waitFor();
    await expectLit(page, "Raw");

    await page.keyboard.press("c");
    await page.keyboard.press("+");
    await page.keyboard.press("ArrowLeft");
    expect(await page.evaluate("document.activeElement.className")).toContain("stage");
    await page.keyboard.press(",");
    await expectLit(page, "Cold");
    await page.keyboard.press("Escape");
    await expectLit(page, "Raw");
    await page.keyboard.press("l");
    await page.getByRole("heading", { name: "Instances", level: 2 }).waitFor();
    expect(told).toEqual([]);
  });
});
