import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseNodesFile } from "../../src/providers/processes/nodes-file.ts";
import { createProcessesProvider } from "../../src/providers/processes/processes-provider.ts";
import { systemClock } from "../../src/providers/system-clock.ts";

// A Signalbox to be killed: takes over, and performs the activity of its second argument on alpha.

const [dir = "", activity = ""] = process.argv.slice(2);
const provider = createProcessesProvider({
  nodes: parseNodesFile(readFileSync(join(dir, "nodes.yaml"), "utf8")),
  stateDir: join(dir, "state"),
  clock: systemClock(),
  mayPlace: async (node) => node !== "alpha" || activity === "",
});
await provider.start();
if (activity !== "") {
  const perform = provider.activities[activity] as (input: unknown, call: unknown) => Promise<unknown>;
  const { signal } = new AbortController();
  await perform({ node: "alpha", epoch: 7 }, { key: "call-1", signal, report: () => Promise.resolve() });
}
