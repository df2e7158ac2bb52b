import fc from "fast-check";
import { expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { operations } from "../../src/operations/index.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { requestsTo } from "./requests.ts";
import { addNode, createSite } from "./site.ts";

const runs = 75;
const requestsPerRun = 40;

it("answers whatever comes with less than 500, and changes nothing with a 4xx", { timeout: 60_000 }, async () => {
  const ids = ["node/alpha", "alpha", "beta", "node/beta", "maintenance-group/racks", "node/alpha#2:drainNode", "new"];
  const request = fc.oneof(...operations.map((each) => requestsTo(each, { machines, ids })));
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: requestsPerRun, maxLength: requestsPerRun }), async (requests) => {
      const store = memoryStore();
      const site = await createSite({ store, machines, limits: { refusalsPerMinuteMax: 1e9 } });
      await addNode(site, "alpha");
      await site.engine.create({
        machine: "maintenanceGroup",
        id: "maintenance-group/racks",
        input: { name: "racks", members: 2 },
      });
      await addNode(site, "beta", ["racks"]);

      for (const { method, path, asked } of requests) {
        const before = await stateOf(store);
        const { status, text } = await site.ask(method, path, asked);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);

        expect(status, `${method} ${path} ${JSON.stringify(asked)} -> ${text}`).toBeLessThan(500);
        if (status >= 400 || status === 304) expect(await stateOf(store)).toEqual(before);
      }
      const { differences } = await site.engine.verify();
      expect(differences).toEqual([]);
      await site.listening.close();
    }),
    { numRuns: runs },
  );

  for (const expected of [200, 201, 202, 400, 403, 404, 409, 412, 415, 422]) {
    expect(
      statuses.get(expected) ?? 0,
      `no request got as far as a ${expected}: ${JSON.stringify([...statuses])}`,
    ).toBeGreaterThan(0);
  }
});

/** Everything but the journal, which tells of refusals too. */
async function stateOf(store: Store): Promise<unknown> {
  const instances = await store.instances({ limit: 10_000 });
  const pending = await store.pending({ now: 0, limit: 10_000 });
  return [instances.map(({ at: _at, ...row }) => row), pending];
}
