import type { BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { OpenContext } from "../support/browser.ts";

/** The inspect page in a window of its own, and all that it said and asked. */
export interface InspectPage {
  page: Page;
  /** Warnings and errors of the console, of scripts and of the policy. */
  told: string[];
  /** Addresses that were asked for. */
  asked: string[];
}

/** Expected of a browser whenever an answer is no 2xx; the page has said it better by then. */
const answered = /^Failed to load resource: the server responded with a status of 4\d\d/;

/** Opens it at a place, `?id=node%2Falpha` say. `base` is where the app is mounted. */
export async function openInspect(
  open: OpenContext,
  base: string,
  place = "",
  options: BrowserContextOptions = {},
): Promise<InspectPage> {
  const context = await open(options);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const told: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    const isMeant = ["error", "warning"].includes(message.type()) && !answered.test(message.text());
    if (isMeant) told.push(message.text());
  });
  page.on("pageerror", (error) => told.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${base}/inspect${place}`);
  return { page, told, asked };
}

export function placeOf(id: string, at?: number): string {
  return `?${new URLSearchParams({ id, ...(at !== undefined && { at: String(at) }) }).toString()}`;
}

/** Resolves when the page follows the journal. */
export async function live(page: Page): Promise<void> {
  await page.locator("#connection.is-live").waitFor();
}

/** Names of the innermost states that are lit in the chart. */
export async function litStates(page: Page): Promise<string[]> {
  const names: unknown = await page.evaluate(
    `[...document.querySelectorAll(".stage [data-state].lit:not(.around)")].map((each) => each.dataset.state.split(".").at(-1))`,
  );
  return names as string[];
}

export async function expectLit(page: Page, ...names: string[]): Promise<void> {
  await expect.poll(() => litStates(page)).toEqual(names);
}

/** How far the page reaches over its window to the right, in pixels. */
export async function overhang(page: Page): Promise<number> {
  return (await page.evaluate("document.documentElement.scrollWidth - innerWidth")) as number;
}
