import { describe, expect, it } from "vitest";
import { document } from "../../machines/document/document.ts";
import { createWorld } from "../support/world.ts";

describe("a document", () => {
  it("keeps its content with the instance, and out of the context that every event would write again", async () => {
    const { engine } = createWorld({ machines: [document] });
    const content = { waves: [["web-1"], ["web-2"]] };

    await engine.create({ machine: "document", id: "plan/stable@v2", input: { kind: "plan", hash: "5f2b", content } });

    const { row, snapshot } = await engine.head("plan/stable@v2");
    expect(JSON.parse(row.input)).toEqual({ kind: "plan", hash: "5f2b", content });
    expect(snapshot.context).toEqual({ kind: "plan", hash: "5f2b" });
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("may be as large as the plan of a large fleet, and no larger", async () => {
    const { engine } = createWorld({ machines: [document] });
    const hosts = (count: number) =>
      Array.from({ length: count }, (_, host) => `host-${host}-in-a-large-fleet.example`);
    const create = (id: string, count: number) =>
      engine.create({ machine: "document", id, input: { kind: "plan", hash: "5f2b", content: hosts(count) } });

    const large = await create("plan/large", 100_000);

    expect(large.state).toBe("Kept");
    await expect(create("plan/larger", 500_000)).rejects.toMatchObject({ code: "payload-too-large" });
  });

  it.each([
    { kind: "plan", hash: "5f2b" },
    { kind: "poem", hash: "5f2b", content: 1 },
    { kind: "plan", content: 1 },
  ])("is not made of %j", async (input) => {
    const { engine } = createWorld({ machines: [document] });

    await expect(engine.create({ machine: "document", id: "plan/x", input })).rejects.toMatchObject({
      code: "invalid-request",
    });
  });

  it.each([null, false, 0, "", [], {}])("may be %j, as any JSON", async (content) => {
    const { engine } = createWorld({ machines: [document] });

    await engine.create({ machine: "document", id: "fleet/x", input: { kind: "fleet", hash: "5f2b", content } });

    expect(JSON.parse((await engine.head("fleet/x")).row.input)).toMatchObject({ content });
  });

  it("is dropped by the engine only, and for good", async () => {
    const { engine } = createWorld({ machines: [document] });
    await engine.create({ machine: "document", id: "plan/x", input: { kind: "plan", hash: "5f2b", content: 1 } });
    const drop = { id: "plan/x", event: { type: "document.dropped" } };

    await expect(engine.transact([drop])).rejects.toMatchObject({ code: "internal-event" });
    await engine.transactAsEngine([{ ...drop, sender: "engine" }]);

    expect(await engine.read("plan/x")).toMatchObject({ state: "Dropped", status: "done" });
  });
});
