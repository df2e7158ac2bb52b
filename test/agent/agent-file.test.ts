import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAgentFile } from "../../src/agent/agent-file.ts";
import { isSignalboxError } from "../../src/core/errors.ts";

const least = "version: { command: [cat, version] }\nactivate: { command: [./activate] }\n";

function faultsOf(text: string): string[] {
  try {
    parseAgentFile(text);
  } catch (error) {
    if (isSignalboxError(error, "invalid-request")) return error.errors.map(({ pointer }) => pointer);
    throw error;
  }
  return [];
}

describe("an agent's configuration", () => {
  it("needs no more than how to activate, and how to tell what runs", () => {
    expect(parseAgentFile(least)).toEqual({
      version: { command: ["cat", "version"], timeoutMs: 10_000 },
      activate: { command: ["./activate"], timeoutMs: 600_000 },
      rollBack: { command: ["./activate"], timeoutMs: 600_000 },
      probes: [],
      confirmTargets: [],
    });
  });

  it("is told with every fault at once, each with its place", () => {
    const text = `
host: "not a host"
version: { command: [] }
activate: { command: [./activate], timeout: 5, deferExitCode: 0 }
probes:
  - { name: web, http: { url: "http://127.0.0.1:1/" } }
  - { name: web, every: 2d, tcp: { port: 70000 } }
  - { name: both, tcp: { port: 1 }, exec: { command: ["true"] } }
confirm: { targets: ["ftp://nowhere"] }
surprise: 1
`;

    expect(faultsOf(text).toSorted()).toEqual([
      "/activate/deferExitCode",
      "/activate/timeout",
      "/confirm/targets/0",
      "/host",
      "/probes/1/every",
      "/probes/1/name",
      "/probes/1/tcp/port",
      "/probes/2",
      "/surprise",
      "/version/command",
    ]);
  });

  it.each([
    ["a timeout without a unit", "activate: { command: [a], timeout: 5 }", "expected a duration with its unit"],
    ["a confirm target without a port", 'confirm: { targets: ["tcp://10.0.0.1"] }', "say the port"],
    ["a confirm target of another kind", 'confirm: { targets: ["icmp://10.0.0.1"] }', "http://, https:// or tcp://"],
    [
      "a confirm target with a port that cannot be",
      'confirm: { targets: ["tcp://10.0.0.1:99999"] }',
      "/confirm/targets/0",
    ],
    ["a URL that is none", "url: nonsense", "http:// or https://"],
    ["a control plane with a password", 'url: "http://me:secret@127.0.0.1"', "take the user and the password out"],
    ["a word that no program takes", 'rollBack: { command: ["a\\0b"] }', "a word with a NUL"],
    ["a version that nothing prints", "version: v42", "expected a command"],
    ["nothing at all", "", "expected a configuration with version and activate"],
    ["what is no YAML", "version: [", "(line 1, column "],
    ["a field that nothing knows", `${least}\nsurprise: 1`, "/surprise: unknown field (line 4, column 1)"],
    ["a probe that is at fault", `${least}probes:\n  - name: web\n    tcp: { port: 0 }`, "(line 5, column 12)"],
    ["a field that stands twice", `${least}${least}`, '"version" stands here for the second time (line 3, column 1)'],
  ])("says what to do about %s", (_, text, detail) => {
    expect(() => parseAgentFile(text)).toThrow(detail);
  });

  it("is called by the name of its file when it is at fault", () => {
    expect(() => parseAgentFile("version: v1", "agent.yaml")).toThrow(": agent.yaml is not well formed: /version: ");
  });

  it("is refused when it is no YAML, or a bomb of it", () => {
    const bomb = [
      "a0: &a0 [x]",
      ...Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(20)}]`),
    ];

    expect(faultsOf("version: [")).not.toEqual([]);
    expect(faultsOf(bomb.join("\n"))).not.toEqual([]);
  });

  it("is shown in the guide as it is read", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/agent.md"), "utf8");
    const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];

    expect(parseAgentFile(yaml).probes.map(({ kind }) => kind)).toEqual(["http", "tcp", "exec"]);
  });
});
