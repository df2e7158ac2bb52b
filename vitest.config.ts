process.env.NODE_ENV = "production"; // XState's development build differs; tests run what users run
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    maxWorkers: 2, // a test that waits for a process leaves the core to another; of two cores vitest would use one
    coverage: { provider: "v8", include: ["src/**", "machines/**"] },
  },
});
