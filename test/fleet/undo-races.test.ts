import { expect, it } from "vitest";
import { ann, createFleetWorld, minutes } from "./fleet-world.ts";

const hosts = ["web-1", "web-2", "web-3"];
const declaration = (ref: string) => ({
  channels: { stable: { ref, policy: "quick" } },
  hosts: { "web-[1-3]": { channel: "stable" } },
  policies: { quick: {} },
});

it.each([
  ["has become Terminal", "good"],
  ["has halted", "fails"],
] as const)(
  "two people who undo a version that %s go back once, not back and forth nor further back",
  async (_, fate) => {
    const world = await createFleetWorld({ hosts, fateOf: (_host, ref) => (ref === "v3" ? fate : "good") });
    for (const ref of ["v1", "v2", "v3"]) {
      await world.declare(declaration(ref));
      await world.advance(10 * minutes);
    }

    const undone = await Promise.allSettled([
      world.control.undo("stable", {}, ann),
      world.control.undo("stable", {}, { principal: "bob" }),
    ]);
    await world.advance(10 * minutes);

    expect(undone).toMatchObject([
      { status: "fulfilled", value: { rolloutId: "stable@v2~2" } },
      { status: "rejected", reason: { code: "event-refused", reasons: [{ code: "undo-under-way" }] } },
    ]);
    expect((await world.engine.read("stable@v2~2")).state).toBe("Terminal");
  },
);

it("two people who abort what is newest go back once, not further back", async () => {
  const world = await createFleetWorld({ hosts });
  for (const ref of ["v1", "v2"]) {
    await world.declare(declaration(ref));
    await world.advance(10 * minutes);
  }
  await world.declare(declaration("v3"));
  const { rolloutId } = await world.control.abort("stable@v3", {}, ann);

  const second = world.control.abort(rolloutId, {}, { principal: "bob" });

  await expect(second).rejects.toMatchObject({ reasons: [{ code: "undo-under-way" }] });
  expect(rolloutId).toBe("stable@v2~2");
});

it("the retry of an undo that has halted is an undo: nothing holds it, and it is undone neither before nor meanwhile", async () => {
  let isDiskFull = false;
  const fateOf = (host: string) => (isDiskFull && host === "web-2" ? "fails" : "good");
  const world = await createFleetWorld({ hosts, fateOf });
  const policies = { quick: { waves: [{ hosts: { all: true }, soak: "5m", approvals: 1 }] } };
  for (const ref of ["v1", "v2"]) {
    await world.declare({ ...declaration(ref), policies });
    await world.send(`stable@${ref}`, "wave.approve", { wave: 0 });
    await world.advance(20 * minutes);
  }
  isDiskFull = true;
  await world.control.undo("stable", {}, ann);
  await world.advance(10 * minutes);
  isDiskFull = false;
  const halted = await world.stateOf("stable@v1~2");
  for (const again of [world.control.undo("stable", {}, ann), world.control.abort("stable@v1~2", {}, ann)])
    await expect(again).rejects.toMatchObject({ reasons: [{ code: "undo-halted" }] });

  const { rolloutId } = await world.control.retry("stable@v1~2", { reason: "the disk is empty again" }, ann);
  const undone = world.control.undo("stable", {}, ann);

  await expect(undone).rejects.toMatchObject({ reasons: [{ code: "undo-under-way" }] });
  await world.advance(1 * minutes);
  expect([halted, await world.stateOf(rolloutId)]).toEqual(["Reverted", "Terminal"]);
});
