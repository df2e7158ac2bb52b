import express from "express";
import { expect, it, onTestFinished } from "vitest";
import { machines as ours } from "../../machines/index.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { startServer, temporaryDirectory } from "../cli/processes.ts";
import { describeInBrowser } from "../support/browser.ts";
import { counter } from "../support/test-machines.ts";
import { createWorld } from "../support/world.ts";
import { addCounter, createAsk, createSite } from "../http/site.ts";
import { live, openInspect, overhang, placeOf } from "./inspect-page.ts";

const machines = [...ours, counter];

describeInBrowser("the inspect page", (open) => {
  it("says that the server is gone, and has missed nothing when it is back", async () => {
    const directory = temporaryDirectory();
    onTestFinished(() => directory.remove());
    const first = await startServer(directory.path);
    onTestFinished(async () => void (await first.end()));
    const { ask, end } = createAsk(first.url);
    onTestFinished(end);
    await ask("POST", "/v1/instances", {
      body: { machine: "maintenanceGroup", id: "racks", input: { name: "racks", members: 3 } },
    });
    await ask("POST", "/v1/instances", { body: { machine: "nodeMaintenance", id: "a", input: { node: "a" } } });
    const one = await openInspect(open, first.url, placeOf("a"));
    const all = await openInspect(open, first.url);
    await live(one.page);
    await live(all.page);

    await one.page.evaluate("window.timers = setTimeout; window.setTimeout = () => 0"); // only the button brings it back
    await first.end();
    for (const { page } of [one, all]) await page.getByText("The connection is lost").waitFor();
    await all.page.setViewportSize({ width: 390, height: 844 });
    expect(await overhang(all.page)).toBe(0);
    await one.page.getByRole("button", { name: "node.cordon" }).click();
    await one.page.getByRole("button", { name: "Send" }).click();
    await one.page.locator(".verdict").getByText("No answer").waitFor();

    const second = await startServer(directory.path, ["--port", new URL(first.url).port]);
    onTestFinished(async () => void (await second.end()));
    const { ask: askAgain, end: endAgain } = createAsk(second.url);
    onTestFinished(endAgain);
    await askAgain("POST", "/v1/instances/a/events", { body: { type: "maintenance.enter" } }); // while nobody listened

    await one.page.evaluate("window.setTimeout = timers");
    await one.page.getByRole("button", { name: "Try now" }).click();
    await all.page.evaluate("dispatchEvent(new Event('online'))"); // if it is not back by itself
    for (const { page } of [one, all]) await live(page);
    await one.page.locator(".plaque", { hasText: "EnteringMaintenance" }).waitFor();
    await all.page.locator("tr", { hasText: "EnteringMaintenance" }).waitFor();
    await expect.poll(() => one.page.locator(".journal .entry").count()).toBe(2);
    for (const { page } of [one, all]) expect(await page.getByText("The connection is lost").isVisible()).toBe(false);
    await one.page.locator("#ears", { hasText: "a is in EnteringMaintenance now" }).waitFor({ state: "attached" });
  });

  it("works where somebody else's app has it under a path, and asks for nothing outside of it", async () => {
    const world = createWorld({ machines });
    const app = express().use("/ops/box", createApp(world.engine));
    const listening = await listen(app, { host: "127.0.0.1", port: 0 });
    onTestFinished(() => listening.close());
    await addCounter(world, "c");
    const base = `${listening.url}/ops/box`;
    const { page, told, asked } = await openInspect(open, base);

    await page.getByRole("link", { name: "c", exact: true }).click();
    await live(page);
    await page.getByRole("button", { name: "inc" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("Done").waitFor();
    await page.reload();
    await live(page);
    await page.getByRole("link", { name: "Signalbox" }).click();
    await page.getByRole("link", { name: "c", exact: true }).waitFor();

    expect((await world.engine.read("c")).context).toMatchObject({ count: 1 });
    expect(asked.filter((each) => !each.startsWith(`${base}/`) && !each.startsWith("data:"))).toEqual([]);
    expect(told).toEqual([]);
  });

  it("shows ten thousand instances and a long journal a page at a time", async () => {
    const site = await createSite({ machines });
    for (let from = 0; from < 10_000; from += 1_000) {
      const moves = Array.from({ length: 1_000 }, (_, n) => ({
        create: { machine: "counter", id: `c${String(from + n).padStart(5, "0")}`, input: {} },
      }));
      await site.engine.transact(moves);
    }
    await Promise.all(Array.from({ length: 450 }, () => site.engine.send("c00000", { type: "inc" })));
    const { page, told } = await openInspect(open, site.url, "?text=c0999");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(10);

    await page.goto(`${site.url}/inspect${placeOf("c00000")}`);
    await live(page);
    await expect.poll(() => page.locator(".journal .entry").count()).toBe(200);
    await page.evaluate(`
      const older = document.querySelector(".journal + button");
      older.click();
      older.click(); // impatience gets nothing twice
    `);
    await expect.poll(() => page.locator(".journal .entry").count()).toBe(400);
    expect(await page.getByRole("slider").getAttribute("max")).toBe("399");
    await page.getByRole("button", { name: "Older entries" }).click();
    await expect.poll(() => page.locator(".journal .entry").count()).toBe(451);
    await page.getByRole("slider").fill("0");
    await page.locator(".moment").getByText("created").waitFor();
    await page.locator(".tree").getByText("count").waitFor();
    expect(await page.locator(".tree li", { hasText: "count" }).first().textContent()).toContain("0");
    expect(told).toEqual([]);
  });

  it("says of a moment before the entries that are loaded what it is, and shows older ones as long as somebody asks", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    await Promise.all(Array.from({ length: 1_250 }, () => site.engine.send("c", { type: "inc" })));
    const { page } = await openInspect(open, site.url, placeOf("c", 10));
    const moment = page.locator(".moment");
    const at = () => new URL(page.url()).searchParams.get("at");

    await moment.getByText("an older one").waitFor();
    await page.locator(".tree li", { hasText: "count 9" }).waitFor();
    expect(await page.getByRole("slider").inputValue()).toBe("0");
    await page.keyboard.press(",");
    expect(at()).toBe("10");
    await page.keyboard.press(".");
    await moment.getByText("1 of 200").waitFor();
    expect(at()).toBe("1052");

    for (let shown = 200; shown < 1_251; ) {
      await page.getByRole("button", { name: "Older entries" }).click();
      shown = Math.min(shown + 200, 1_251);
      await expect.poll(() => page.locator(".journal .entry").count()).toBe(shown);
    }
    await page.getByText("This is where it began.").waitFor();
  });

  it("shows what it knows while the chart is being drawn, and nothing that it does not", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    const context = await open();
    const page = await context.newPage();
    const drawn = Promise.withResolvers<void>();
    await page.route("**/diagram.svg", async (route) => {
      await drawn.promise;
      await route.continue();
    });

    await page.goto(`${site.url}/inspect${placeOf("c")}`);
    await page.getByText("The chart is being drawn").waitFor();
    await page.getByRole("button", { name: "inc" }).waitFor();
    await page.locator(".moment").getByText("now").waitFor();
    expect(await page.getByRole("button", { name: "Older entries" }).isVisible()).toBe(false);
    expect(await page.getByRole("button", { name: "Back to now" }).isVisible()).toBe(false);

    drawn.resolve();
    await page.locator(".stage .state.lit").first().waitFor();
  });

  it("keeps up with a burst, and shows its end", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    const { page, told } = await openInspect(open, site.url, placeOf("c"));
    await live(page);

    await Promise.all(Array.from({ length: 500 }, () => site.engine.send("c", { type: "inc" })));

    await page.locator(".facts").getByText("version 501").waitFor();
    await expect.poll(() => page.locator(".journal .entry").count()).toBe(501);
    expect(told).toEqual([]);
  });

  it("lets go of its connection while nobody looks, and misses nothing", async () => {
    const site = await createSite({ machines });
    await addCounter(site, "c");
    const { page } = await openInspect(open, site.url, placeOf("c"));
    await live(page);
    const show = (isHidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} });
        document.dispatchEvent(new Event("visibilitychange"));
      `);

    await show(true);
    await page.locator("#connection.is-paused").waitFor();
    await site.engine.send("c", { type: "inc" });
    await show(false);

    await live(page);
    await page.locator(".facts").getByText("version 2").waitFor();
    await expect.poll(() => page.locator(".journal .entry").count()).toBe(2);
  });

  it("reads a stream in whatever pieces it comes", async () => {
    const site = await createSite({ machines });
    const { page } = await openInspect(open, site.url);
    const stream =
      'retry: 2000\nid: 6\n\n: heartbeat\n\nid: 7\r\nevent: entry\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid:8\rdata:two\r\rid: 9\ndata: lost';

    const read: unknown = await page.evaluate(`(async () => {
      const { createStreamParser } = await import("./pages/scripts/event-stream.js");
      const stream = ${JSON.stringify(stream)};
      const all = [1, 2, 3, 7, stream.length].map((size) => {
        const events = [];
        const parser = createStreamParser((event) => events.push(event));
        for (let at = 0; at < stream.length; at += size) parser.push(stream.slice(at, at + size));
        return JSON.stringify(events);
      });
      return [...new Set(all)].map((each) => JSON.parse(each));
    })()`);

    expect(read).toEqual([
      [
        { id: "6", type: "message", data: null },
        { id: "7", type: "entry", data: '{"a":\n1}' },
        { id: "8", type: "message", data: "two" },
      ],
    ]);
  });
});
