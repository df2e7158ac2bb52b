import { setup } from "xstate";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { instanceActivity } from "../../src/core/activity.ts";
import { SignalboxError } from "../../src/core/errors.ts";
import type { Machine } from "../../src/core/machine.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { gatedStore } from "../support/gated-store.ts";
import { createWorld } from "../support/world.ts";

async function family(hire: object = { child: "kid" }) {
  const store = gatedStore(memoryStore());
  const world = createWorld({ store });
  await world.engine.create({ machine: "parent", id: "p", input: {} });
  store.batches.length = 0;
  await world.engine.send("p", { type: "hire", ...hire });
  const resultOf = async () => ((await world.engine.read("p")).context as { result: unknown }).result;
  return { ...world, store, resultOf };
}

describe("a child", () => {
  it("is created in the commit of its call", async () => {
    const { engine, store } = await family();

    expect(store.batches.flat()).toHaveLength(1);
    expect(await engine.read("kid")).toMatchObject({ machine: "child", state: "Working", version: 1 });
    expect((await engine.pending()).items).toMatchObject([{ key: "p#2:child", kind: "call", state: "manual" }]);
    expect((await engine.read("p")).waitingFor[0]?.what).toBe("its next event");
    expect(await engine.verify()).toMatchObject({ checked: 2, differences: [] });
  });

  it("that ends gives its output to its parent, once, and hears nothing of it", async () => {
    const { engine, settle, resultOf } = await family();
    await engine.send("kid", { type: "finish", result: "homework" });
    await settle();

    expect(await resultOf()).toEqual({ output: "homework" });
    expect((await engine.pending()).items).toEqual([]);
    expect((await engine.journal({ instance: "kid" })).entries.map(({ kind, event }) => event?.type ?? kind)).toEqual([
      "created",
      "finish",
    ]);
    expect(await engine.verify()).toMatchObject({ checked: 2, differences: [] });
  });

  it("is told to stop when its call is withdrawn, and its end is then nobody's business", async () => {
    const { engine, settle, resultOf } = await family();
    await engine.send("p", { type: "dismiss" });
    await settle();

    expect(await engine.read("kid")).toMatchObject({ state: "Stopped", status: "done" });
    expect(await engine.read("p")).toMatchObject({ state: "Alone", version: 3 });
    expect(await resultOf()).toBeNull();
    expect((await engine.pending()).items).toEqual([]);
  });

  it("that ends while its parent withdraws the call settles nothing", async () => {
    const { engine, settle, resultOf } = await family();
    await Promise.all([engine.send("kid", { type: "finish", result: "x" }), engine.send("p", { type: "dismiss" })]);
    await settle();

    expect(await resultOf()).toBeNull();
    expect((await engine.pending()).items).toEqual([]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("ends with its parent, and so do its own children", async () => {
    const { engine, settle } = await family({ child: "kid", grandchild: "grandkid" });
    expect(await engine.read("grandkid")).toMatchObject({ state: "Working" });

    await engine.send("p", { type: "retire" });
    await settle();

    for (const id of ["kid", "grandkid"]) expect(await engine.read(id)).toMatchObject({ state: "Stopped" });
    expect((await engine.pending()).items).toEqual([]);
    expect(await engine.verify()).toMatchObject({ checked: 3, differences: [] });
  });

  it("of a child passes its end upwards", async () => {
    const { engine, settle, resultOf, store } = await family({ child: "kid", grandchild: "grandkid" });
    expect(store.batches.flat()).toHaveLength(1); // the two of them in one commit
    await engine.send("grandkid", { type: "finish", result: "x" });
    await settle();

    expect(await resultOf()).toEqual({ output: "delegated" });
  });

  it.each([
    ["whose id is taken", { child: "p" }, "already-exists"],
    ["whose machine is not here", { child: "kid", machine: "nobody" }, "not-found"],
    ["whose input does not fit", { child: "kid", machine: "egg" }, "invalid-request"],
    ["whose id is no id", { child: "" }, "invalid-request"],
  ])("%s is a call that failed", async (_what, hire, code) => {
    const { engine, settle, resultOf } = await family(hire);
    expect(await engine.read("p")).toMatchObject({ state: "Waiting" });
    await settle();

    expect(await resultOf()).toMatchObject({ error: { code, child: hire.child } });
    expect(await engine.read("p")).toMatchObject({ state: "Alone", version: 3 });
    expect((await engine.pending()).items).toEqual([]);
    expect(await engine.verify()).toMatchObject({ differences: [] });
  });

  it("is hired again after it was dismissed only under another id", async () => {
    const { engine, settle, resultOf } = await family();
    await engine.send("p", { type: "dismiss" });
    await engine.send("p", { type: "hire", child: "kid" });
    await settle();
    expect(await resultOf()).toMatchObject({ error: { code: "already-exists" } });

    await engine.send("p", { type: "hire", child: "kid2" });
    await engine.send("kid2", { type: "finish", result: "fine" });
    await settle();
    expect(await resultOf()).toEqual({ output: "fine" });
  });

  it("is not taken for a failed one when the store is what failed", async () => {
    const { engine, store } = await family();
    await engine.send("p", { type: "dismiss" });
    const load = store.load;
    store.load = async (id) => {
      if (id === "kid3") throw new SignalboxError("store-unavailable", "The disk went away.");
      return load(id);
    };
    const other = createWorld({ store }).engine;

    await expect(other.send("p", { type: "hire", child: "kid3" })).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await other.read("p")).toMatchObject({ state: "Alone", version: 3 });
  });

  it("whose call is given up is told to stop", async () => {
    const { engine, settle, resultOf } = await family();
    await engine.discardPending("p#2:child");
    await settle();

    expect(await resultOf()).toMatchObject({ error: { code: "discarded" } });
    expect(await engine.read("kid")).toMatchObject({ state: "Stopped" });
    expect((await engine.pending()).items).toEqual([]);
  });

  it("survives restarts between every two steps", async () => {
    const first = await family({ child: "kid", grandchild: "grandkid" });
    let world = first.restarted();
    await world.engine.send("grandkid", { type: "finish", result: "x" });
    for (let n = 0; n < 5; n += 1) {
      world = world.restarted();
      await world.engine.runOnce();
    }

    expect(await first.resultOf()).toEqual({ output: "delegated" });
    expect(await world.engine.verify()).toMatchObject({ checked: 3, differences: [] });
  });

  it("that has a child that has a child, and so on, comes to an end at the limit of one transaction", async () => {
    const { engine, settle } = createWorld({ machines: [matryoshka], limits: { movesMax: 10 } });

    await engine.create({ machine: "matryoshka", id: "m", input: {} });

    expect((await engine.list()).items).toHaveLength(10);
    await settle();
    expect(await engine.read("m")).toMatchObject({ state: "Last" }); // the innermost has failed, and said so outwards
    expect((await engine.pending()).items).toEqual([]);
    expect(await engine.verify()).toMatchObject({ checked: 10, differences: [] });
  });
});

/** Each one begins with another one inside. */
const matryoshka: Machine = {
  name: "matryoshka",
  input: z.strictObject({ id: z.string().optional() }),
  events: {},
  laws: {},
  examples: () => [],
  abstract: () => null,
  chart: setup({
    types: { context: {} as { id: string }, input: {} as { id: string | undefined } },
    actors: { instance: instanceActivity() },
  }).createMachine({
    id: "matryoshka",
    options: { maxIterations: 5 },
    context: ({ input }) => ({ id: `${input.id ?? "m"}/in` }),
    initial: "Outer",
    states: {
      Outer: {
        invoke: {
          id: "inner",
          src: "instance",
          input: ({ context: { id } }) => ({ machine: "matryoshka", id, input: { id } }),
          onDone: "Last",
          onError: "Last",
        },
      },
      Last: { type: "final" },
    },
  }),
};
