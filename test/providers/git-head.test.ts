import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { committedFile } from "../../src/providers/git-head.ts";
import { temporaryDirectory } from "../cli/processes.ts";

it("lets nothing through that nobody has committed when its repository is broken", async () => {
  const directory = temporaryDirectory();
  onTestFinished(() => directory.remove());
  const folder = join(directory.path, "fleets", "shop");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "fleet.yaml");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=ann", "-c", "user.email=ann@example.org", ...args], { cwd: directory.path });
  writeFileSync(path, "committed");
  git("init", "-q");
  git("add", "-A");
  git("commit", "-qm", "first");
  writeFileSync(path, "not committed");
  const file = committedFile(path);
  const before = await file.read();

  rmSync(join(directory.path, ".git", "HEAD"));

  expect(before).toBe("committed");
  await expect(file.revision()).rejects.toThrow(/^git cannot say what is committed: fatal: not a git repository/);
  await expect(file.read()).rejects.toThrow("git cannot say");
});
