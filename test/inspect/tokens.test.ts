import { expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.ts";
import { counter } from "../support/test-machines.ts";
import { createGuardedSite } from "../http/guarded-site.ts";
import { addCounter } from "../http/site.ts";
import { live, openInspect, placeOf } from "./inspect-page.ts";

const machines = [counter];

describeInBrowser("the inspect page of a server with tokens", (open) => {
  it("asks for a token when the server does, keeps it in the tab only, and says what the role may not do", async () => {
    const site = await createGuardedSite({ machines });
    const { viewer } = await site.admit("viewer");
    await addCounter(site, "c");
    const { page, told, asked } = await openInspect(open, site.url);

    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Token").fill("nonsense");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await dialog.getByText("not accepted").waitFor();
    await dialog.getByLabel("Token").fill(viewer);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "c", exact: true }).click();
    await live(page);
    await page.getByRole("button", { name: "inc" }).click();
    await page.getByRole("button", { name: "Check" }).click(); // looking never needs more than looking
    await page.locator(".verdict").getByText("It would be accepted").waitFor();
    expect(await page.locator(".verdict .fault").textContent()).toContain("Not by you: ");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("Not allowed").waitFor();

    await page.reload();
    await live(page); // of the same tab: it is not asked for again
    expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain(viewer);
    expect(asked.filter((each) => each.includes(viewer))).toEqual([]);
    expect(told).toEqual([]);
  });

  it("goes on asking for a token, and takes another one where the first may not do what is asked", async () => {
    const site = await createGuardedSite({ machines });
    const tokens = await site.admit("agent:web-1", "viewer", "operator");
    await addCounter(site, "c");
    const { page, told } = await openInspect(open, site.url, placeOf("c"));
    const dialog = page.getByRole("dialog");
    const give = async (token: string) => {
      await dialog.getByLabel("Token").fill(token);
      await page.keyboard.press("Enter");
    };

    await dialog.waitFor();
    for (let press = 0; press < 3; press += 1) await page.keyboard.press("Escape");
    await give(tokens["agent:web-1"]);
    await page.getByText("may not do this").waitFor();
    await page.getByRole("button", { name: "Give another token" }).click();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Give another token" }).click();
    await give(tokens.viewer);
    await page.getByRole("button", { name: "inc" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByRole("button", { name: "Give another token" }).click();
    await give(tokens.operator);
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("Done").waitFor();

    expect((await site.engine.read("c")).context).toMatchObject({ count: 1 });
    expect(told).toEqual([]);
  });
});
