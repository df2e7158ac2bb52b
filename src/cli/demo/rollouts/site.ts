import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeToken } from "../../../operations/token.ts";
import { changeTokenFile } from "../../../operations/token-file.ts";
import type { TokenRole } from "../../../operations/permission.ts";

/** What the demo finds: hosts as folders with an application in one of several releases, and who may come in. */
export interface Site {
  tokensFile: string;
  operatorToken: string;
  hosts: readonly DemoHost[];
  /** Version by host, as it lies on the disk. */
  versions(): Map<string, string>;
  /** Hosts that ever ran a version, whatever they run now. */
  hostsThatRan(version: string): string[];
}

export interface DemoHost {
  name: string;
  wave: WaveName;
  token: string;
  configFile: string;
  dataDir: string;
}

type WaveName = (typeof waves)[number]["name"];

const waves = [
  { name: "canary", share: 0.1 },
  { name: "early", share: 0.3 },
  { name: "rest", share: 1 },
] as const;

export const channel = "stable";
export const versions = { installed: "v1", good: "v2", bad: "v3" } as const;

/** Makes everything in the directory. */
export function createSite({ dir, hosts: count }: { dir: string; hosts: number }): Site {
  const releasesDir = join(dir, "releases");
  for (const version of Object.values(versions)) makeRelease(releasesDir, version);
  const tokens = [tokenOf("olivia", "operator")];
  const hosts = names(count).map((name, index) => {
    const token = tokenOf(`agent ${name}`, `agent:${name}`);
    tokens.push(token);
    return { ...makeHost(join(dir, "hosts", name), releasesDir), name, token: token.token, wave: waveOf(index, count) };
  });
  const tokensFile = join(dir, "tokens.json");
  changeTokenFile(tokensFile, () => tokens.map(({ entry }) => entry));
  const folderOf = (name: string) => join(dir, "hosts", name);
  const versionOf = (name: string) => readFileSync(join(folderOf(name), "current", "version"), "utf8").trim();
  const historyOf = (name: string) =>
    readFileSync(join(folderOf(name), "history"), "utf8")
      .trim()
      .split("\n");
  return {
    tokensFile,
    operatorToken: tokens[0]?.token ?? "",
    hosts,
    versions: () => new Map(hosts.map(({ name }) => [name, versionOf(name)])),
    hostsThatRan: (version) => hosts.map(({ name }) => name).filter((name) => historyOf(name).includes(version)),
  };
}

/** The declaration of the fleet with this ref. */
export function declarationOf(site: Pick<Site, "hosts">, ref: string) {
  return {
    channels: { [channel]: { ref, policy: "careful" } },
    hosts: Object.fromEntries(site.hosts.map(({ name, wave }) => [name, { channel, tags: [wave] }])),
    policies: {
      careful: {
        onHealthFailure: "rollback-and-halt",
        sustained: "2s",
        excusedMaxPct: 50, // two of a small last wave are switched off
        waves: waves.map(({ name }) => ({ name, hosts: { tags: [name] }, soak: "2s" })),
      },
    },
    budgets: [{ hosts: { all: true }, maxInFlight: Math.max(2, Math.ceil(site.hosts.length * 0.3)) }],
  };
}

/** A release is a folder: a file that says which version it is, and a check that the probe runs. */
function makeRelease(releasesDir: string, version: string): void {
  const dir = join(releasesDir, version);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "version"), `${version}\n`);
  const check = version === versions.bad ? 'echo "cannot reach its database" >&2; exit 1' : "exit 0";
  writeFileSync(join(dir, "check.sh"), `${check}\n`);
}

/** Runs the first version. Activating another one is what it often is: a link that points elsewhere. */
function makeHost(dir: string, releasesDir: string): Pick<DemoHost, "configFile" | "dataDir"> {
  mkdirSync(dir, { recursive: true });
  symlinkSync(join(releasesDir, versions.installed), join(dir, "current"));
  writeFileSync(join(dir, "history"), `${versions.installed}\n`);
  writeFileSync(
    join(dir, "activate.sh"),
    'ln -sfn "$1/$SIGNALBOX_TARGET" current && echo "$SIGNALBOX_TARGET" >> history\n',
  );
  const config = {
    version: { command: ["cat", "current/version"] },
    activate: { command: ["sh", "activate.sh", releasesDir] },
    probes: [{ name: "check", mode: "enforce", every: "1s", exec: { command: ["sh", "current/check.sh"] } }],
  };
  const configFile = join(dir, "agent.yaml");
  writeFileSync(configFile, `${JSON.stringify(config, undefined, 2)}\n`); // JSON is YAML
  return { configFile, dataDir: join(dir, "agent") };
}

function names(count: number): string[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, index) => `host-${String(index + 1).padStart(digits, "0")}`);
}

function waveOf(index: number, count: number): WaveName {
  let until = 0;
  for (const { name, share } of waves) {
    until += Math.floor(count * share);
    if (index < until) return name;
  }
  return "rest";
}

function tokenOf(principal: string, role: TokenRole) {
  return makeToken({ principal, role, at: Date.now(), lastsMs: 86_400_000 });
}
