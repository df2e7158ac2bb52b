/** Everything that must hold beside the tests, in one command; every fault of every check is shown before it fails. */
import { spawnSync } from "node:child_process";

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "--noEmit"],
  ["types of the page", "tsc", "-p", "tsconfig.inspect.json"],
  ["format", "biome", "format", "."],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["unused", "knip"],
  ["build", "tsc", "-p", "tsconfig.build.json"],
  ["package", "publint", "--strict"],
  ["pictures", process.execPath, "tools/visualize.ts", "--check"],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  const run = spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  const passed = run.status === 0;
  console.log(`${passed ? "ok  " : "FAIL"} ${name}`);
  if (!passed) {
    failed += 1;
    console.log(run.error?.message ?? `${run.stdout}${run.stderr}`);
  }
}
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
