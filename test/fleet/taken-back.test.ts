import { expect, it } from "vitest";
import { createFleetWorld } from "./fleet-world.ts";

it("a watched declaration whose fault was taken back is not told as at fault any more", async () => {
  const world = await createFleetWorld({ hosts: ["web-1"] });
  const good =
    "channels: { stable: { ref: v1, policy: p } }\nhosts: { web-1: { channel: stable } }\npolicies: { p: {} }\n";
  let text = good;
  const read = async () => text;
  await world.control.watch({ name: "fleet.yaml", revision: read, read });
  text = "nonsense: 1";
  await world.advance(15_000);
  const during = world.control.declarationFault();

  text = good;
  await world.advance(15_000);

  expect(during?.detail).toContain("nonsense");
  expect(world.control.declarationFault()).toBeNull();
});
