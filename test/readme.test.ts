import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAgentFile } from "../src/agent/agent-file.ts";
import { warningsOf } from "../src/planning/fleet-warnings.ts";
import { parseFleetText } from "../src/planning/parse-fleet-text.ts";
import { parseNodesFile } from "../src/providers/processes/nodes-file.ts";
import { runHere } from "./cli/processes.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts;

/** What a newcomer reads, and types. */
const guides = ["README.md", "docs/machines.md", "docs/nodes.md", "docs/rollouts.md", "docs/fleet.md"];
const examples = ["examples/fleet/README.md", "examples/nodes/README.md"];
/** Commands that have others within. */
const groups = new Set(["node", "fleet", "rollout", "quarantine", "token"]);

function blocksOf(path: string, language: string): string[] {
  return [...read(path).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, code]) => code as string,
  );
}

/** What the comments behind `console.log` say will be printed. */
function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said as string);
}

function runExample(code: string): string[] {
  const file = join(root, "test", `.example-${process.pid}.ts`);
  try {
    writeFileSync(file, code.replace('from "signalbox"', 'from "../src/index.ts"'));
    const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 20_000 });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return stdout.trimEnd().split("\n");
  } finally {
    rmSync(file, { force: true });
  }
}

describe("the README and the guides", () => {
  it.each([
    ["README.md", 1],
    ["docs/machines.md", 1],
  ])("have code in %s that prints what it says", (path, count) => {
    const blocks = blocksOf(path, "ts");

    expect(blocks).toHaveLength(count);
    for (const code of blocks) {
      expect(promisedOutput(code).length).toBeGreaterThan(0);
      expect(runExample(code)).toEqual(promisedOutput(code));
    }
  });

  it("name npm scripts and commands that there are", async () => {
    const commands = [...guides, ...examples]
      .flatMap((path) => blocksOf(path, "sh"))
      .join("\n")
      .split("\n");
    const npm = commands.flatMap((line) => /^npm (?:run )?([\w-]+)/.exec(line)?.[1] ?? []);
    const ours = commands.flatMap((line) => /^npx signalbox (.*)/.exec(line)?.[1] ?? []);

    expect(npm.filter((name) => name !== "ci" && scripts[name] === undefined)).toEqual([]);
    expect(ours.length).toBeGreaterThan(3);
    for (const line of ours) {
      const words = line.split(" ").filter((word) => /^[a-z]+$/.test(word));
      const help = await runHere([...words.slice(0, groups.has(words[0] ?? "") ? 2 : 1), "--help"], "http://localhost");
      expect(help.code, line).toBe(0);
      for (const [option] of line.matchAll(/--[a-z-]+/g)) expect(help.stdout, line).toContain(option);
    }
  });

  it("show nodes files that are read, and run what there is", () => {
    const [yaml] = blocksOf("docs/nodes.md", "yaml");
    const example = parseNodesFile(read("examples/nodes/nodes.yaml"));

    expect([...parseNodesFile(yaml ?? "").nodes.keys()]).toEqual(["alpha", "beta"]);
    expect([...example.nodes.keys()]).toEqual(["alpha", "beta", "gamma"]);
    const commands = [...example.replicas.values()].map(({ command: [, file = ""] }) => file);
    expect(commands).toHaveLength(3);
    for (const file of commands) expect(existsSync(join(root, "examples/nodes", file)), file).toBe(true);
  });

  it("show declarations that are well formed, and mean what they say", () => {
    const [readme, reference] = ["README.md", "docs/fleet.md"].map((path) => blocksOf(path, "yaml")[0] ?? "");
    const [short, whole, example] = [readme ?? "", reference ?? "", read("examples/fleet/fleet.yaml")].map(
      (text) => parseFleetText(text).fleet,
    );

    expect([short, whole, example].map((fleet) => fleet?.hosts.size)).toEqual([40, 24, 17]);
    for (const fleet of [short, whole, example]) expect(fleet && warningsOf(fleet)).toEqual([]);
    expect(parseAgentFile(read("examples/fleet/agent.yaml")).probes).toHaveLength(3);
  });

  it("link to files that there are", () => {
    for (const path of [...guides, ...examples, "ARCHITECTURE.md"]) {
      const links = [...read(path).matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target as string);
      expect(links.filter((target) => !existsSync(join(root, path, "..", target)))).toEqual([]);
    }
  });

  it("name files in ARCHITECTURE.md that there are", () => {
    const text = read("ARCHITECTURE.md");
    const named = [...text.matchAll(/`((?:src|machines|test|docs)\/[\w./-]*)`/g)].map(([, path]) => path as string);

    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
