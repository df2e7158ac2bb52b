import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { AgentFile } from "./agent-file.ts";
import type { Changes } from "./changes.ts";
import type { LocalHosts } from "./local-hosts.ts";
import type { Runs } from "./runs.ts";
import type { AskVersion } from "./version.ts";
import type { Witnesses } from "./witnesses.ts";

/** What the activities of an agent work with. */
export interface ActivityParts {
  readonly file: AgentFile;
  readonly runs: Runs;
  readonly witnesses: Witnesses;
  readonly askVersion: AskVersion;
  /** The agent's own instances; there as soon as anything is performed. */
  readonly hosts: LocalHosts;
  readonly changes: Changes;
  /** Of the machine's present start. */
  readonly boot: string;
  /** Where commands run. */
  readonly workDir: string;
  readonly clock: Clock;
  readonly log: Log;
}
