import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A project of somebody else, with the package as npm packs it, and what it asks for beside it. */
export interface Consumer {
  readonly path: string;
  /** The manifest of the installed package. */
  readonly manifest: Manifest;
  write(file: string, text: string): string;
  run(command: string, ...args: readonly string[]): { stdout: string; stderr: string; status: number | null };
  remove(): void;
}

interface Manifest {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** What only a consumer's own code and types ask for. */
const ofItsOwn = ["@types/express", "@types/node", "@xstate/graph"];

/** Builds and packs the package away from the checkout, and installs it without a registry. */
export function createConsumer(): Consumer {
  const path = mkdtempSync(join(tmpdir(), "signalbox-consumer-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  try {
    const manifest = install(path, packed(path));
    for (const example of ["embedded", "own-machine"]) {
      cpSync(join(root, "examples", example), join(path, example), { recursive: true, filter: isNoRemnant });
    }
    writeFileSync(join(path, "package.json"), JSON.stringify({ private: true, type: "module" }));
    return {
      path,
      manifest,
      write(file, text) {
        writeFileSync(join(path, file), text);
        return join(path, file);
      },
      run: (command, ...args) => run(path, command, ...args),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The package itself as a folder of its own, so that it finds what a consumer's folder has and nothing of the checkout. */
function install(path: string, tarball: string): Manifest {
  const installed = join(path, "node_modules/signalbox");
  mkdirSync(installed, { recursive: true });
  must(run(path, "tar", "-xzf", tarball, "--strip-components=1", "-C", installed));
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Manifest;
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta?.[name]?.optional);
  for (const name of [...Object.keys(dependencies), ...peers, ...ofItsOwn]) {
    const link = join(path, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
  return manifest;
}

/** The tarball. Built from a copy, so that a checkout that is being worked with stays as it is. */
function packed(path: string): string {
  const copy = join(path, "checkout");
  for (const part of [
    "src",
    "machines",
    "bin",
    "tools",
    "visualizations",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "CHANGELOG.md",
    "README.md",
    "LICENSE",
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const quietly = "--foreground-scripts=false"; // the build that packing begins with must not write into the answer
  const { stdout } = must(run(copy, "npm", "pack", "--json", quietly, "--pack-destination", path));
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  rmSync(copy, { recursive: true });
  return join(path, filename);
}

function run(cwd: string, command: string, ...args: readonly string[]) {
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
    HOME: process.env["HOME"],
    NODE_ENV: "production",
  };
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: 60_000 });
  return { stdout, stderr, status };
}

function must(ran: ReturnType<typeof run>): ReturnType<typeof run> {
  if (ran.status !== 0) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return ran;
}

/** Whoever has followed an example's README in the checkout has a package and a database there that are not those of the test. */
function isNoRemnant(path: string): boolean {
  return !/^(?:node_modules$|refunds\.db)/.test(basename(path));
}
