import { describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createSpace } from "../../src/engine/space.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";

const writes: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  commit: (store) => store.commit([]),
  claim: (store) => store.claim({ owner: "r", now: 1, leaseUntil: 2, calls: 1, deliveries: 1 }),
  renew: (store) => store.renew({ owner: "r", keys: [], leaseUntil: 1 }),
  putBack: (store) => store.putBack([]),
  takeBack: (store) => store.takeBack("r"),
  reschedule: (store) => store.reschedule([]),
  forgetCommands: (store) => store.forgetCommands(1, 1),
  probe: (store) => store.probe(),
};

/** A store that has no space, whatever is written, and counts how often it is asked. */
function fullStore() {
  let asked = 0;
  const full = async () => {
    asked += 1;
    throw new SignalboxError("insufficient-storage", "There is no space left.");
  };
  const all = Object.fromEntries(Object.keys(writes).map((name) => [name, full]));
  return { store: { ...memoryStore(), ...all }, asked: () => asked };
}

describe("a store without space", () => {
  it.each(Object.keys(writes))("is noticed by %s, and left alone then by all that write", async (name) => {
    const { store, asked } = fullStore();
    const space = createSpace({ store, clock: virtualClock(1_000), log: silentLog });
    const write = writes[name] as (typeof writes)[string];

    await expect(write(space.store)).rejects.toMatchObject({ code: "insufficient-storage" });
    for (const other of Object.values(writes))
      await expect(other(space.store)).rejects.toMatchObject({ code: "insufficient-storage" });

    expect(space.isLost()).toBe(true);
    expect(asked()).toBe(1);
    expect(await space.store.position()).toBe(0);
  });
});
