import { expect, it } from "vitest";
import { nodeMaintenance } from "../../machines/node-maintenance/node-maintenance.ts";
import { describeInBrowser } from "../support/browser.ts";
import { addNode, createSite } from "../http/site.ts";
import { openInspect, placeOf } from "./inspect-page.ts";
import { survey } from "./inspected-machines.ts";

const machines = [nodeMaintenance, survey];

describeInBrowser("the form of an event", (open) => {
  it("makes a form of every kind of field, and sends what it holds", async () => {
    const site = await createSite({ machines });
    await site.engine.create({ machine: "survey", id: "s", input: {} });
    const { page, told } = await openInspect(open, site.url, placeOf("s"));
    await page.getByRole("button", { name: "answer" }).click();
    const form = page.locator(".event-form");

    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("The marked fields cannot be read yet.").waitFor();
    expect(await form.locator("[aria-invalid=true]").count()).toBe(4);
    await form.getByLabel("name", { exact: false }).first().fill("Ada");
    await form.getByLabel("count").fill("eleven");
    await form.getByLabel("share").fill("0.25");
    await form.getByLabel("isSure").selectOption("yes");
    await form.getByLabel("colour").selectOption("green");
    await form.getByLabel("agreed").selectOption("yes");
    await form.getByRole("group", { name: "tags" }).getByRole("button", { name: "Add one" }).click();
    await page.keyboard.type("first");
    await form.getByLabel("street").fill("Main");
    await form.getByRole("group", { name: "limits" }).getByRole("button", { name: "Add an entry" }).click();
    await page.keyboard.type("cpu");
    await form.getByLabel("limits 1", { exact: true }).fill("4");
    await form.getByLabel("budget").first().selectOption("text");
    await form.locator(".variant input").fill("25%");
    await form.getByLabel("extra").fill('{ "a": [1] }');
    await page.getByRole("button", { name: "Check" }).click();
    await form.getByText("This is no whole number.").waitFor();
    await form.getByLabel("count").fill("11");
    await page.getByRole("button", { name: "Check" }).click();
    await form.locator(".field", { hasText: "count" }).locator(".fault:not(:empty)").waitFor(); // the server's word, at the field

    await form.getByLabel("count").fill("3");
    await form.getByRole("button", { name: "As JSON" }).click();
    const raw = form.getByLabel("The event's fields as JSON");
    const answer = JSON.parse(await raw.inputValue()) as object;
    expect(answer).toEqual({
      name: "Ada",
      count: 3,
      share: 0.25,
      isSure: true,
      colour: "green",
      agreed: true,
      tags: ["first"],
      address: { street: "Main" },
      limits: { cpu: 4 },
      budget: "25%",
      extra: { a: [1] },
    });
    await raw.fill(JSON.stringify({ ...answer, owner: { team: "ops" } }));
    await form.getByRole("button", { name: "As JSON" }).click();
    expect(await form.getByLabel("team").inputValue()).toBe("ops");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict").getByText("Done").waitFor();

    expect((await site.engine.read("s")).context).toMatchObject({ answer: { ...answer, owner: { team: "ops" } } });
    expect(told).toEqual([]);
  });

  it("takes a duration and a time as people write them, and says how it understands them", async () => {
    const site = await createSite({ machines });
    await addNode(site, "alpha");
    const { page, told } = await openInspect(open, site.url, placeOf("node/alpha"), { timezoneId: "Europe/Berlin" });
    await page.getByRole("button", { name: "maintenance.enter" }).click();
    const form = page.locator(".event-form");
    const [duration, time] = [form.getByLabel("drainForMs"), form.getByLabel("expectedUntil")];

    await duration.fill("soon");
    await time.fill("2030-02-31 18:00 o'clock");
    await form.getByRole("button", { name: "Check" }).click();
    await form.getByText("This is no duration.").waitFor();
    await form.getByText("This is no time.").waitFor();
    await duration.fill("600");
    await form.getByText("= 600 ms", { exact: true }).waitFor();
    await duration.fill("1 h 30min");
    await form.getByText("= 1 h 30 min, 5400000 ms").waitFor();
    await time.fill("2030-01-31 18:00");
    await form.getByText(`= 2030-01-31 18:00:00, ${Date.UTC(2030, 0, 31, 17)}`).waitFor();
    await form.getByRole("button", { name: "As JSON" }).click();

    expect(JSON.parse(await form.getByLabel("The event's fields as JSON").inputValue())).toEqual({
      drainForMs: 5_400_000,
      expectedUntil: Date.UTC(2030, 0, 31, 17),
    });
    expect(told).toEqual([]);
  });
});
