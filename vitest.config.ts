process.env.NODE_ENV = "production"; // XState's development build differs; tests run what users run
import { join } from "node:path";
import { defineConfig } from "vitest/config";

process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/node"); // hundreds of processes load the same modules

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } }, // what is polled takes milliseconds; a loaded machine may take a second
    pool: "forks",
    maxWorkers: 2, // a test that waits for a process leaves the core to another; of two cores vitest would use one
    coverage: { provider: "v8", include: ["src/**", "machines/**"] },
  },
});
