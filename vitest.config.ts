process.env.NODE_ENV = "production"; // XState's development build differs; tests run what users run
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/node"); // hundreds of processes load the same modules

/**
 * Files that take longest: they begin first, so that none of them runs on alone when all others have ended. The processes of
 * `demo` end by themselves and leave in the cache what they compiled; those of `kill-loop` are never let.
 */
const longest = [
  "http/fuzz",
  "cli/demo",
  "crash/kill-loop",
  "agent/recovery",
  "agent/kills",
  "inspect/looks",
  "inspect/journeys",
  "inspect/resilience",
  "http/docs-page",
  "cli/commands",
  "examples/examples",
  "fleet/chaos",
].map((name) => join(import.meta.dirname, `test/${name}.test.ts`));

/** The same order everywhere, also on a clean checkout, where no earlier run tells how long a file takes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      longest.includes(moduleId) ? longest.indexOf(moduleId) : longest.length;
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } }, // what is polled takes milliseconds; a machine with much else to do takes seconds
    pool: "forks",
    maxWorkers: 3, // on two cores: a test that waits for a process leaves its core to another
    isolate: false, // modules keep no state, so that files can share them; to load them for each file takes a fifth of the time
    sequence: { sequencer: LongestFirst },
    coverage: { provider: "v8", include: ["src/**", "machines/**"] },
  },
});
