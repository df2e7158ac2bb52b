import { expect, it } from "vitest";
import { createSite } from "./site.ts";

it("what needs attention and what there is are told also where the engine gives small pages", async () => {
  const { engine, get } = await createSite({ limits: { pageMax: 3 } });
  for (const id of ["a", "b", "c", "d"]) await engine.create({ machine: "counter", id, input: {} });

  const { status, body } = await get("/v1/overview");
  const attention = await get("/v1/attention");

  expect(status).toBe(200);
  expect(body.items).toMatchObject([
    { machine: "counter", isComplete: false, instances: [{ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }] },
  ]);
  expect(attention.status).toBe(200);
});

it("shows no more than two of those that are given whole documents", async () => {
  const { engine, get } = await createSite({ hasFleet: true });
  for (const name of ["a", "b", "c"]) {
    const input = { kind: "plan", hash: "0".repeat(64), content: { name } };
    await engine.create({ machine: "document", id: `plan/${name}`, input });
  }

  const { body } = await get("/v1/overview");

  const documents = body.items.find(({ machine }: { machine: string }) => machine === "document");
  expect(documents).toMatchObject({ isComplete: false, instances: [{ id: "plan/a" }, { id: "plan/b" }] });
});
