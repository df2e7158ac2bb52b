import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** The files of a directory with what is in them. */
function filesIn(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path)
      .toSorted()
      .map((name) => [name, readFileSync(join(path, name), "utf8")]),
  );
}

describe("the tool", () => {
  const [first, second] = machines as [(typeof machines)[number], (typeof machines)[number]];

  it("writes the pictures that are in the repository, and sees a stale, a missing and an extra file", () => {
    const written = visualize("--directory", directory);
    const files = filesIn(directory);
    appendFileSync(join(directory, `${first.name}.svg`), " ");
    rmSync(join(directory, `${second.name}.mmd`));
    writeFileSync(join(directory, "gone.json"), "{}");

    const spoilt = visualize("--check", "--directory", directory);

    expect(written.status).toBe(0);
    const kept = filesIn(join(import.meta.dirname, "..", "..", "visualizations"));
    expect(Object.keys(files)).toEqual(Object.keys(kept));
    expect(Object.keys(files).filter((name) => files[name] !== kept[name])).toEqual([]);
    expect(spoilt.status).toBe(1);
    expect(spoilt.faults).toEqual(
      [`${first.name}.svg is stale`, `${second.name}.mmd is missing`, "gone.json is of no machine"].toSorted(),
    );
  });
});
