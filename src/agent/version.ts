import { refPattern } from "../../machines/rollout/rollout-id.ts";
import type { Clock } from "../core/clock.ts";
import type { Command } from "./agent-file.ts";
import { runCommand } from "./run-command.ts";

/** What runs on the host, as the version command says; or why that is not known. */
export type VersionSeen = { readonly version: string } | { readonly version: null; readonly why: string };

export type AskVersion = (signal: AbortSignal) => Promise<VersionSeen>;

export function createAskVersion(given: { version: Command; workDir: string; clock: Clock }): AskVersion {
  const { version, workDir, clock } = given;

  return async (signal) => {
    const end = await runCommand({ ...version, workDir, clock, signal });
    switch (end.kind) {
      case "exited": {
        if (end.exitCode !== 0) return unknown(`it ended with ${end.exitCode}: ${lastLineOf(end.stderr)}`);
        const said = end.stdout.trim();
        return refPattern.test(said) ? { version: said } : unknown(`it said ${JSON.stringify(said.slice(0, 100))}`);
      }
      case "timed-out":
        return unknown(`it took longer than ${version.timeoutMs} ms`);
      case "not-started":
        return unknown(`it was not started: ${end.reason}`);
      default:
        return end satisfies never;
    }
  };
}

function unknown(why: string): VersionSeen {
  return { version: null, why: `The version command gave no version: ${why}.` };
}

export function lastLineOf(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
