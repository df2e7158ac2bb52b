import { expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";

it.each([
  ["'signalbox'", true],
  ['"signalbox" serve', true],
  ["signalbox serve --port 4100", true],
  ["bash", false],
  ["nohup signalbox serve", false],
  ["signalbox-up", false],
  [undefined, false],
])("the end of npx is ours when it was asked to run %j: %j", (script, isOurs) => {
  const { isRunByNpx } = readConfig({ npm_command: "exec", npm_lifecycle_script: script });

  expect(isRunByNpx).toBe(isOurs);
});

it("an npm script is no npx", () => {
  const { isRunByNpx } = readConfig({ npm_command: "run-script", npm_lifecycle_script: "signalbox serve" });

  expect(isRunByNpx).toBe(false);
});
