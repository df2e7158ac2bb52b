import { expect, it } from "vitest";
import { createProbe } from "../../src/engine/probe.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";

it("asks the store once a second, however often it is asked itself", async () => {
  const clock = virtualClock(0);
  const answers = ["resolves", "rejects", "resolves"];
  let asked = 0;
  const probe = createProbe({
    clock,
    store: { probe: () => (answers[asked++] === "rejects" ? Promise.reject(new Error("full")) : Promise.resolve()) },
  });
  const told = () =>
    probe().then(
      () => "resolves",
      () => "rejects",
    );

  const first = [await told(), await told()];
  await clock.advance(1_000);
  const second = [await told(), await told()];
  await clock.advance(999);
  const stillSecond = await told();
  await clock.advance(1);
  const third = await told();

  expect([first, second, stillSecond, third, asked]).toEqual([
    ["resolves", "resolves"],
    ["rejects", "rejects"],
    "rejects",
    "resolves",
    3,
  ]);
});
