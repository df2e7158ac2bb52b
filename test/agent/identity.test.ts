import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { agentIdentity } from "../../src/agent/identity.ts";
import { agentName } from "../../src/operations/agent-schemas.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "signalbox-identity-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const parts = (identity: string) => /^(\w+)\.(\d+)(\w+)$/.exec(identity)?.slice(1) ?? [];

it("an agent keeps the word of its directory and counts its starts, on the disk before it says so", () => {
  const dataDir = directory();
  const starts = Array.from({ length: 11 }, () => {
    const identity = agentIdentity(dataDir);
    const [word, count] = parts(identity);
    expect(readFileSync(join(dataDir, "agent-id"), "utf8")).toBe(`${word}.${count}`);
    return identity;
  });

  expect(starts.map((each) => parts(each)[1])).toEqual(Array.from({ length: 11 }, (_, n) => `${n + 1}`));
  expect(new Set(starts.map((each) => parts(each)[0])).size).toBe(1);
  expect(starts.filter((each) => !agentName.safeParse(each).success)).toEqual([]);
  expect(statSync(join(dataDir, "agent-id")).mode & 0o777).toBe(0o600);
});

it("a copy of a directory counts on from the same number, and is told apart", () => {
  const [original, copy] = [directory(), directory()];
  agentIdentity(original);
  cpSync(original, copy, { recursive: true });

  const [one, other] = [parts(agentIdentity(original)), parts(agentIdentity(copy))];

  expect(one.slice(0, 2)).toEqual(other.slice(0, 2));
  expect(one[2]).not.toBe(other[2]);
});

it.each(["", "9f86d081", "9f86d081884c7d65.", "9f86d081884c7d65.x"])(
  "an agent whose file says %j begins as one of a new directory",
  (text) => {
    const dataDir = directory();
    writeFileSync(join(dataDir, "agent-id"), text);

    const [word, count] = parts(agentIdentity(dataDir));

    expect([word === "9f86d081884c7d65", count]).toEqual([false, "1"]);
  },
);
