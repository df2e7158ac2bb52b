import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeDataDirectory } from "../../src/providers/data-directory.ts";

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), "signalbox-data-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("a data directory", () => {
  it("is made with all that leads to it, and left as it is when it is there", () => {
    const path = join(temporary(), "a", "b");

    makeDataDirectory(path, { mode: 0o700 });
    makeDataDirectory(path, { mode: 0o755 });

    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it("is refused where nothing can be made or a file is in the way, and that is told", () => {
    const file = join(temporary(), "file");
    writeFileSync(file, "");

    for (const path of [file, join(file, "below"), "/proc/signalbox/below"]) {
      expect(() => makeDataDirectory(path)).toThrow(`The data directory ${path} cannot be written to: E`);
    }
  });
});
