import { accessSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const quietly = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens a window of its own for a test; it is closed with it. */
export type OpenContext = (options?: BrowserContextOptions) => Promise<BrowserContext>;

/**
 * Tests in a real Chromium, launched once for the file. Without one they are skipped, and say so; in CI they fail, since
 * there it has to be.
 */
export function describeInBrowser(title: string, tests: (open: OpenContext) => void): void {
  const isMissing = !isThere(executablePath);
  if (isMissing && process.env["CI"] === undefined) {
    describe.skip(`${title} (skipped: there is no ${executablePath}; install chromium, or name it in CHROMIUM)`, () =>
      tests(() => Promise.reject(new Error("There is no browser"))));
    return;
  }
  describe(title, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: quietly });
    });
    afterAll(async () => browser.close());
    tests(async (options) => {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      return context;
    });
  });
}

/** The rules of axe that a part of the page breaks, of all but those that are left out. */
export async function violationsOn(page: Page, part = "html", leftOut: readonly string[] = []): Promise<string[]> {
  if (await page.evaluate("!('axe' in window)")) await page.evaluate(axe.source); // not as a script of the page: its policy would not have it
  const rules = Object.fromEntries(leftOut.map((rule) => [rule, { enabled: false }]));
  const given = [part, { rules }].map((each) => JSON.stringify(each)).join();
  return page.evaluate(`axe.run(${given}).then(({ violations }) => violations.map(({ id }) => id))`);
}

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
