import { readdirSync, readFileSync } from "node:fs";
import { join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** Bottom-up: a place may import itself and what is named here. Folders before the files that lie directly in `src/`. */
const floors: Readonly<Record<string, readonly string[]>> = {
  "src/core": [],
  machines: ["src/core"],
  "src/planning": ["src/core", "machines"],
  "src/store": ["src/core"],
  "src/providers": ["src/core"],
  "src/diagram": ["src/core"],
  "src/package-file.ts": [],
  "src/pages": ["src/core", "src/package-file.ts"],
  "src/engine": ["src/core", "src/store", "src/providers"],
  "src/stately": ["src/core", "src/engine", "src/diagram"],
  "src/telemetry": ["src/core", "src/engine"],
  "src/fleet": ["src/core", "machines", "src/planning", "src/engine"],
  "src/simulation": ["src/core", "machines", "src/planning", "src/store", "src/providers", "src/engine", "src/fleet"],
  "src/operations": ["src/core", "machines", "src/planning", "src/engine", "src/fleet", "src/diagram", "src/pages"],
  "src/client": ["src/core", "src/operations"],
  "src/http": ["src/core", "src/engine", "src/fleet", "src/telemetry", "src/operations", "src/package-file.ts"],
  "src/cli": ["src/core", "src/planning", "src/operations", "src/client"],
  "src/agent": [
    "src/core",
    "machines",
    "src/planning",
    "src/store",
    "src/providers",
    "src/engine",
    "src/telemetry",
    "src/operations",
    "src/client",
  ],
  "src/config.ts": ["src/core"],
  "src/index.ts": [
    "src/core",
    "machines",
    "src/planning",
    "src/store",
    "src/providers",
    "src/engine",
    "src/fleet",
    "src/simulation",
    "src/telemetry",
    "src/http",
    "src/stately",
  ],
  "src/main.ts": [
    "src/core",
    "src/store",
    "src/providers",
    "src/cli",
    "src/config.ts",
    "src/serve.ts",
    "src/agent",
    "src/simulation",
    "src/planning",
    "src/package-file.ts",
  ],
  "src/serve.ts": [
    "src/core",
    "src/telemetry",
    "machines",
    "src/store",
    "src/providers",
    "src/planning",
    "src/engine",
    "src/fleet",
    "src/operations",
    "src/http",
    "src/cli",
    "src/agent",
    "src/diagram",
    "src/stately",
    "src/config.ts",
  ],
};

interface Source {
  path: string;
  code: string;
}

const sources: Source[] = ["machines", "src"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  )
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, code: readFileSync(join(root, path), "utf8") }));

function floorOf(path: string): string | undefined {
  return Object.keys(floors).find((floor) => path === floor || path.startsWith(`${floor}/`));
}

/** Imports that go up or to a stranger, and files without a floor. */
function guiltyOf(files: readonly Source[]): string[] {
  return files.flatMap(({ path, code }) => {
    const floor = floorOf(path);
    if (floor === undefined) return [`${path} lies on no floor`];
    return importsOf(code).flatMap((specifier) => {
      if (specifier === "node:crypto" && floor === "src/planning") return []; // a hash is a function of its input
      if (specifier.startsWith("node:")) return isPure(floor) ? [`${path} is pure and imports ${specifier}`] : [];
      if (!specifier.startsWith(".")) return [];
      const target = relative(root, normalize(join(root, path, "..", specifier)));
      const targetFloor = floorOf(target);
      if (targetFloor === undefined) return [`${path} imports ${target}, which lies on no floor`];
      const allowed = targetFloor === floor || floors[floor]?.includes(targetFloor);
      return allowed ? [] : [`${path} imports ${target}`];
    });
  });
}

function importsOf(code: string): string[] {
  return [...code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier as string);
}

function isPure(floor: string): boolean {
  return floor === "machines" || floor === "src/core" || floor === "src/planning";
}

describe("the floors", () => {
  it("are kept by every file", () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(guiltyOf(sources)).toEqual([]);
  });

  it("see an import that goes up, one to a stranger, a node module in the core, and a file without a floor", () => {
    const guilty: Source[] = [
      { path: "src/core/guilty.ts", code: 'import { send } from "../engine/engine.ts";' },
      { path: "src/http/guilty.ts", code: 'export { run } from "../cli/run.ts";' },
      { path: "machines/guilty/chart.ts", code: 'await import("node:fs");' },
      { path: "src/utils/guilty.ts", code: "" },
    ];

    expect(guiltyOf(guilty)).toEqual([
      "src/core/guilty.ts imports src/engine/engine.ts",
      "src/http/guilty.ts imports src/cli/run.ts",
      "machines/guilty/chart.ts is pure and imports node:fs",
      "src/utils/guilty.ts lies on no floor",
    ]);
  });

  it("keep clock and chance out of the machines, the core, the planning and the engine", () => {
    const read = /Date\.now\(|new Date\(\)|Math\.random\(|randomUUID\(|setTimeout\(|setInterval\(/;
    const guilty = sources.filter(
      ({ path, code }) => /^(machines|src\/core|src\/planning|src\/engine)\//.test(path) && read.test(code),
    );

    expect(guilty.map(({ path }) => path)).toEqual([]);
    expect(read.test("const now = Date.now();")).toBe(true);
  });
});
