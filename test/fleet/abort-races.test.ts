import { expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { createOpening } from "../../src/fleet/opening.ts";
import { abortRun } from "../../src/fleet/runs.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { ann, createFleetWorld, minutes } from "./fleet-world.ts";

const declaration = (ref: string) => ({
  channels: { stable: { ref, policy: "slow" } },
  hosts: { "web-[1-2]": { channel: "stable" } },
  policies: { slow: { waves: [{ hosts: { all: true }, soak: "5m" }] } },
});

it("an abort goes back also when the last host converges before it is written", async () => {
  const world = await createFleetWorld({ hosts: ["web-1", "web-2"] });
  await world.declare(declaration("v1"));
  await world.advance(20 * minutes);
  await world.declare(declaration("v2"));
  await world.advance(3 * minutes);
  const { engine } = world;
  const asked: string[] = [];
  const late: Engine = {
    ...engine,
    async transactAsEngine(moves, options) {
      asked.push(await world.stateOf("stable@v2"));
      if (asked.length === 1) await world.advance(20 * minutes); // it was under way when it was looked at
      return engine.transactAsEngine(moves, options);
    },
  };
  const facts = { id: "stable@v2", channel: "stable", ref: "v2" };

  const opened = await createOpening(late).open(parseFleet(declaration("v2")), abortRun({ facts }, "slow"), ann);
  await world.advance(20 * minutes);

  expect(asked).toEqual(["Active", "Terminal"]);
  expect(opened).toMatchObject({ rolloutId: "stable@v1~2", superseded: "stable@v2" });
  expect(await world.stateOf("stable@v1~2")).toBe("Terminal");
});
