import { expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { gatedStore, quiet } from "../support/gated-store.ts";
import { createWorld } from "../support/world.ts";

const creation = (id: string) => ({ create: { machine: "counter", id, input: {} } });
const inc = (by: number) => ({ type: "inc", by });

it("is kept by what comes while a transaction before it still loads another instance", async () => {
  const healthy = memoryStore();
  await createWorld({ store: healthy }).engine.transact([creation("c"), creation("slow")]);
  const loads = { c: Promise.withResolvers<void>(), slow: Promise.withResolvers<void>() };
  const store: Store = {
    ...healthy,
    async load(id) {
      await loads[id as keyof typeof loads].promise;
      return healthy.load(id);
    },
  };
  const { engine } = createWorld({ store });

  const sends: Promise<unknown>[] = [engine.send("c", inc(1))];
  sends.push(
    engine.transact([
      { id: "c", event: inc(2) },
      { id: "slow", event: inc(2) },
    ]),
  );
  loads.c.resolve();
  await quiet();
  sends.push(engine.send("c", inc(3)));
  await quiet();
  loads.slow.resolve();
  await Promise.all(sends);

  const { entries } = await engine.journal({ instance: "c" });
  expect(entries.flatMap(({ event }) => event?.["by"] ?? [])).toEqual([1, 2, 3]);
});

it("of a numbered stream is kept while its head waits for the disk and others crowd it out of memory", async () => {
  const store = gatedStore(memoryStore());
  const { engine } = createWorld({ store, limits: { hotInstancesMax: 2 } });
  const others = Array.from({ length: 6 }, (_, n) => `other/${n}`);
  await engine.transact([creation("c"), ...others.map(creation)]);
  store.hold();

  const first = engine.send("c", inc(1), { stream: { name: "agent", seq: 1 } });
  await quiet();
  const crowd = others.map((id) => engine.send(id, inc(1)));
  await quiet();
  const second = engine.send("c", inc(2), { stream: { name: "agent", seq: 2 } });
  await quiet();
  store.release();

  expect(await Promise.all([first, second])).toMatchObject([
    { outcome: "changed", version: 2 },
    { outcome: "changed", version: 3 },
  ]);
  await Promise.all(crowd);
});
