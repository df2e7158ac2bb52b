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
