import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { endProcess } from "../../src/providers/processes/end-process.ts";
import { claimOf } from "../../src/providers/processes/slot.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { readdirSync } from "node:fs";

/** A directory in which a host's version is a file and an activation writes it. */
export interface Workplace {
  path: string;
  version(): string;
  setVersion(version: string): void;
  /** How often an activation has begun, with what it was told: "v1 -> v2". */
  activations(): string[];
  /** An activation waits at its gate until it is opened. */
  closeGate(): void;
  openGate(): void;
  write(name: string, content: string): void;
  exists(name: string): boolean;
}

const activate = `#!/bin/sh
cd "$(dirname "$0")"
echo "$SIGNALBOX_PRIOR -> $SIGNALBOX_TARGET" >> activations
while [ -e gate ]; do sleep 0.02; done
if [ -e broken-"$SIGNALBOX_TARGET" ]; then echo "cannot start $SIGNALBOX_TARGET" >&2; exit 3; fi
if [ -e staged-"$SIGNALBOX_TARGET" ]; then echo kernel; exit 75; fi
printf %s "$SIGNALBOX_TARGET" > version.new && mv version.new version
`;

/** Whatever an activation has left running is ended with the test. */
export function createWorkplace(version = "v1"): Workplace {
  const path = mkdtempSync(join(tmpdir(), "signalbox-agent-"));
  const place = (name: string) => join(path, name);
  const read = (name: string) => (existsSync(place(name)) ? readFileSync(place(name), "utf8") : "");
  const write = (name: string, content: string) => writeFileSync(place(name), content);
  write("version", version);
  write("activate", activate);
  chmodSync(place("activate"), 0o755);
  mkdirSync(place("data"));
  onTestFinished(async () => {
    await endRuns(join(path, "data", "runs"));
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  });
  return {
    path,
    version: () => read("version"),
    setVersion: (next) => write("version", next),
    activations: () => read("activations").split("\n").filter(Boolean),
    closeGate: () => write("gate", ""),
    openGate: () => rmSync(place("gate"), { force: true }),
    write,
    exists: (name) => existsSync(place(name)),
  };
}

async function endRuns(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    const identity = await claimOf(join(dir, name));
    if (identity === undefined || identity === "void") continue;
    const { incarnation } = JSON.parse(readFileSync(join(dir, name, "record.json"), "utf8")) as { incarnation: string };
    const { signal } = new AbortController();
    await endProcess({ identity, incarnation, graceMs: 0, clock: systemClock(), signal });
  }
}
