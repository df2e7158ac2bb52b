import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";

const directory = mkdtempSync(join(tmpdir(), "visualizations-"));
afterAll(() => rmSync(directory, { recursive: true }));

const tool = join(import.meta.dirname, "..", "..", "tools", "visualize.ts");

function visualize(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...options], { encoding: "utf8" });
  return {
    status,
    said: stdout.trim(),
    faults: stderr
      .split("\n")
      .filter((line) => / is /.test(line))
      .toSorted(),
  };
}

describe("the pictures in the repository", () => {
  it("are those of the machines", () => {
    expect(visualize("--check")).toMatchObject({ status: 0, faults: [] });
  });
});

describe("the staleness check", () => {
  const [first, second] = machines as [(typeof machines)[number], (typeof machines)[number]];

  it("sees a stale, a missing and an extra file, and is content with what the tool writes", () => {
    const written = visualize("--directory", directory);
    appendFileSync(join(directory, `${first.name}.svg`), " ");
    rmSync(join(directory, `${second.name}.mmd`));
    writeFileSync(join(directory, "gone.json"), "{}");

    const spoilt = visualize("--check", "--directory", directory);

    expect(written.status).toBe(0);
    expect(spoilt.status).toBe(1);
    expect(spoilt.faults).toEqual(
      [`${first.name}.svg is stale`, `${second.name}.mmd is missing`, "gone.json is of no machine"].toSorted(),
    );
  });
});
