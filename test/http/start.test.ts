import { describe, expect, it } from "vitest";
import { createSite } from "./site.ts";

const ofBrowsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

describe("GET /", () => {
  it("says where things are, and each of them is there", async () => {
    const { get } = await createSite();

    const { status, body } = await get("/");

    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["inspect", "docs", "contract", "readiness"]);
    for (const path of Object.values<string>(body)) expect([path, (await get(path)).status]).toEqual([path, 200]);
  });

  it("sends a browser to the inspect page, and nobody else", async () => {
    const { get, ask } = await createSite();
    const askedFor = async (accept: string) => (await get("/", { Accept: accept })).status;

    const { status, headers, text } = await get("/", { Accept: ofBrowsers });

    expect([status, headers.location, text]).toEqual([303, "/inspect", ""]);
    expect((await ask("HEAD", "/", { headers: { Accept: ofBrowsers } })).status).toBe(303);
    expect(await Promise.all(["*/*", "application/json", "text/plain", ""].map(askedFor))).toEqual([
      200, 200, 200, 200,
    ]);
  });
});
