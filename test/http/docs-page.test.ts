import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Page } from "playwright-core";
import express from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { operations } from "../../src/operations/index.ts";
import { openApiDocument, pathTemplateOf } from "../../src/operations/openapi.ts";
import { operation, type Operation } from "../../src/operations/operation.ts";
import { curlOf } from "../../src/pages/curl.ts";
import { docsPage } from "../../src/pages/docs-page.ts";
import type { ApiDocument } from "../../src/pages/openapi.ts";
import { describeInBrowser, violationsOn } from "../support/browser.ts";
import { createWorld } from "../support/world.ts";
import { exampleSite } from "./example-site.ts";
import { createSite } from "./site.ts";

describeInBrowser("GET /docs in a browser", (open) => {
  const looks = [
    { colorScheme: "light", width: 1_440 },
    { colorScheme: "dark", width: 390 },
  ] as const; // both colours and both widths

  it.each(looks)("can be read by everybody, $colorScheme and $width px wide, and keeps to itself", async (look) => {
    const { url } = await createSite();
    const { page, told, asked } = await watched(url, { ...look, height: 900 });

    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    expect(await page.evaluate(dropRepeats)).toBeGreaterThan(500); // of thousands
    expect(await violationsOn(page)).toEqual([]);
    expect(told).toEqual([]);
    expect(asked.filter((each) => !each.startsWith(`${url}/`))).toEqual([]);
    expect(asked.map((each) => each.slice(url.length)).toSorted()).toEqual([
      "/docs",
      "/pages/scripts/docs.js",
      "/pages/styles/colours.css",
      "/pages/styles/docs.css",
    ]);
  });

  it("has a name and a place for whatever is on it", async () => {
    const { url } = await createSite();
    const { page } = await watched(url);

    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");

    expect(await violationsOn(page, "html", measuring)).toEqual([]);
  });

  it("sees what axe and the console have to say", async () => {
    const { url } = await createSite();
    const { page, told } = await watched(url);

    await page.evaluate("document.querySelector('main').append(document.createElement('img'))");
    await page.evaluate("document.head.append(Object.assign(document.createElement('script'), { textContent: '1' }))");

    expect(await violationsOn(page, "main > img")).toEqual(["image-alt"]);
    await expect.poll(() => told).toEqual([expect.stringContaining("Content Security Policy")]);
  });

  it("has every operation, with a place of its own that its link leads to", async () => {
    const { url } = await createSite();
    const { page } = await watched(url);

    const shown = await page.locator(".operation").evaluateAll((all) => all.map(({ id }) => id));
    await page.getByRole("navigation").getByRole("link", { name: "/v1/transactions" }).click();

    expect(shown.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
    expect(new URL(page.url()).hash).toBe("#transact");
    expect(await page.locator("#transact h3").evaluate((each) => each.getBoundingClientRect().top)).toBeGreaterThan(40);
    expect(await deadLinksOn(page)).toEqual([]);
  });

  it("filters by the keyboard alone, in the menu and on the page", async () => {
    const { url } = await createSite();
    const { page } = await watched(url);
    const operationsShown = page.locator(".operation:visible");

    await page.keyboard.press("/");
    await page.keyboard.type("post cordon");

    await expect
      .poll(() => operationsShown.evaluateAll((all) => all.map(({ id }) => id)))
      .toEqual(["cordon-node", "uncordon-node"]);
    expect(await page.getByRole("status").textContent()).toBe(`2 of ${operations.length} operations`);
    expect(await page.locator(".menu li:visible").count()).toBe(2 + 2); // errors and schemas stay

    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.press("Delete");
    await expect.poll(() => operationsShown.count()).toBe(operations.length);
  });

  it("names the server that it comes from, and copies commands", async () => {
    const { url } = await createSite();
    const { page } = await watched(url, {}, ["clipboard-read", "clipboard-write"]);

    await page.locator("#cordon-node").getByRole("button", { name: "Copy" }).click();

    expect(await page.locator("#setup").textContent()).toBe(`export SIGNALBOX_URL=${url}`);
    await expect
      .poll(() => page.evaluate("navigator.clipboard.readText()"))
      .toContain('curl "$SIGNALBOX_URL/v1/nodes/alpha/cordon"');
  });

  it.each(looks)("covers nothing of a command by the button that copies it, $width px wide", async (look) => {
    const { url } = await createSite();
    const { page } = await watched(url, { ...look, height: 800 });

    const buttons = await page.locator(".sample button").count();
    const covered = await page.evaluate(`[...document.querySelectorAll(".sample")].filter((sample) => {
      const button = sample.querySelector("button").getBoundingClientRect();
      const text = document.createRange();
      text.selectNodeContents(sample.querySelector("code"));
      return [...text.getClientRects()].some(({ right, top }) => right > button.left && top < button.bottom);
    }).length`);
    expect(buttons).toBeGreaterThan(operations.length / 2);
    expect(covered).toBe(0);
  });

  it("shows what answers and problems look like, to whoever wants to see it", async () => {
    const { url } = await createSite();
    const { page } = await watched(url);
    const answer = page.locator("#freeze-line .example");
    const refusal = page.locator("#error-event-refused .example").first();

    expect(await answer.locator("pre").isVisible()).toBe(false);
    await answer.locator("summary").click();
    await refusal.locator("summary").click();

    expect(await answer.locator("summary").textContent()).toBe("Example: line stopped");
    expect(JSON.parse(await answer.locator("pre").innerText())).toMatchObject({ instance: { state: "Stopped" } });
    expect(JSON.parse(await refusal.locator("pre").innerText())).toMatchObject({ code: "event-refused" });
  });

  it("shows what is in the document as text, whatever it looks like", async () => {
    const context = await open();
    const page = await context.newPage();
    const document = openApiDocument({ operations: [hostile], version: nasty });

    await page.setContent(docsPage(document, { hasTokens: false }));

    expect(await page.locator("#hostile .summary").textContent()).toBe(nasty.replaceAll("`", ""));
    expect(await page.locator("script:not([src]), b, [onload]").count()).toBe(0);
  });

  it("is the same page with a slash at the end, and under the path of an app that mounts it", async () => {
    const { engine } = createWorld();
    const host = express();
    host.use("/ops/signalbox", createApp(engine));
    const listening = await listen(host, { host: "127.0.0.1", port: 0 });
    onTestFinished(() => listening.close());
    const { page, told } = await watched(`${listening.url}/ops/signalbox`, {}, [], "/docs/");

    expect(page.url()).toBe(`${listening.url}/ops/signalbox/docs`);
    expect(told).toEqual([]);
    expect(await page.locator("#setup").textContent()).toBe(`export SIGNALBOX_URL=${listening.url}/ops/signalbox`);
    expect(await page.evaluate("getComputedStyle(document.querySelector('.top')).position")).toBe("sticky");
  });

  it("folds its menu where there is little room, and unfolds it when there is more", async () => {
    const { url } = await createSite();
    const { page } = await watched(url, { width: 390 });
    const link = page.getByRole("navigation").getByRole("link", { name: "/v1/transactions" });

    expect(await link.isVisible()).toBe(false);
    await page.getByText("Operations", { exact: true }).click();
    await link.click();
    await expect.poll(() => link.isVisible()).toBe(false);
    await page.setViewportSize({ width: 1_440, height: 900 });

    await expect.poll(() => link.isVisible()).toBe(true);
  });

  async function watched(
    url: string,
    { width = 1_440, height = 900, colorScheme = "light" }: Look = {},
    permissions: string[] = [],
    path = "/docs",
  ) {
    const context = await open({ viewport: { width, height }, colorScheme, permissions });
    const page = await context.newPage();
    const told: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => told.push(message.text()));
    page.on("pageerror", (error) => told.push(error.message));
    page.on("request", (each) => asked.push(each.url()));
    await page.goto(`${url}${path}`);
    return { page, told, asked };
  }
});

describe("the page", () => {
  it("has nothing of a style or a script in itself, and no mark-up of what it is made from", () => {
    const page = docsPage(openApiDocument({ operations: [hostile], version: nasty }), { hasTokens: false });

    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;");
    expect(page).not.toMatch(/<script>|<style|<b>|" onload|style=/);
  });

  it("asks for a token in its commands only where the server does", async () => {
    const guarded = await createSite({ authenticate: () => undefined });
    const open = await createSite();

    expect((await guarded.get("/docs")).text).toContain("Bearer $SIGNALBOX_TOKEN");
    expect((await open.get("/docs")).text).not.toContain("SIGNALBOX_TOKEN");
  });
});

describe("the commands of the page", () => {
  const isMissing = spawnSync("curl", ["--version"]).status !== 0 && process.env["CI"] === undefined;

  it.skipIf(isMissing)(
    "run as they are, and are answered as the page says (skipped where there is no curl)",
    async () => {
      const document = openApiDocument({ operations, version: "1" });
      const failures: string[] = [];

      for (const each of operations) {
        const site = await exampleSite(each);
        const command = commandOf(document, each);
        const status = await statusOf(command, site.url);
        if (!(status in each.answers)) failures.push(`${status}: ${command}`);
      }

      expect(failures).toEqual([]);
    },
  );

  function commandOf(document: ApiDocument, each: Operation): string {
    const { method } = each;
    const path = pathTemplateOf(each);
    const asked = document.paths?.[path]?.[method.toLowerCase()];
    if (asked === undefined) throw new Error(`${method} ${path} is not in the document`);
    return curlOf(document, { method, path, operation: asked, hasTokens: false });
  }

  /** The status that comes first; what follows is not waited for: a stream has no end. */
  async function statusOf(command: string, url: string): Promise<number> {
    const shell = spawn("bash", ["-c", `exec ${command} --silent --include`], {
      env: { ...process.env, SIGNALBOX_URL: url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [first] = (await once(shell.stdout, "data")) as [Buffer];
    shell.kill();
    return Number(/^HTTP\/1.1 (\d+)/.exec(first.toString())?.[1]);
  }
});

interface Look {
  width?: number;
  height?: number;
  colorScheme?: "light" | "dark";
}

const nasty = `<script>alert(1)</script>" onload='x' \`<b>\``;

const hostile = operation({
  name: "hostile",
  summary: nasty,
  method: "GET",
  path: "/hostile",
  permission: "open",
  answers: { 200: { description: nasty } },
  isChange: false,
  run: async () => ({ status: 200, body: "" }),
});

/** Rules that look at each text and each control for milliseconds: seconds for the whole page. */
const measuring = ["color-contrast", "target-size"];

/** Leaves the first of everything that has the same elements with the same classes; tells how many elements are left. */
const dropRepeats = `(() => {
  const seen = new Set();
  const kindOf = ({ tagName, className }) => tagName + "." + className;
  for (const part of document.querySelectorAll(".operation, details, tr, li")) {
    if (!part.isConnected) continue;
    const kinds = [part, ...part.querySelectorAll("*")].map((each) => kindOf(each.parentElement) + ">" + kindOf(each));
    if (kinds.every((kind) => seen.has(kind))) part.remove();
    for (const kind of kinds) seen.add(kind);
  }
  return document.querySelectorAll("*").length;
})()`;

/** Links within the page that lead nowhere. */
async function deadLinksOn(page: Page): Promise<string[]> {
  const targets = await page
    .locator('a[href^="#"]')
    .evaluateAll((links) => links.map((link) => (link.getAttribute("href") ?? "").slice(1)));
  const ids = new Set(await page.locator("[id]").evaluateAll((all) => all.map(({ id }) => id)));
  return targets.filter((target) => !ids.has(target));
}
