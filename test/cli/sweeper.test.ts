import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startSweeper } from "../../src/cli/demo/sweeper.ts";
import { run, temporaryDirectory } from "./processes.ts";

it("lets a demo go on without it when it cannot be started", async () => {
  const { execPath } = process;
  onTestFinished(() => void (process.execPath = execPath));
  process.execPath = "/nowhere/node";
  const sweeper = startSweeper("/tmp/signalbox-demo-never");

  sweeper.began(1);
  sweeper.ended(1);

  await expect(sweeper.dismiss()).resolves.toBeUndefined();
});

it("sweeps where the path of temporary files is written in a roundabout way", async () => {
  const directory = temporaryDirectory();
  onTestFinished(() => directory.remove());
  const demo = join(directory.path, "signalbox-demo-x");
  mkdirSync(demo);

  const { code, stderr } = await run(["demo", "sweep", demo], { TMPDIR: `${directory.path}/./` });

  expect([code, stderr]).toEqual([0, ""]);
});
