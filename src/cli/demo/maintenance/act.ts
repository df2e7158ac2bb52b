import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, type Client, type InstanceView } from "../../../client/index.ts";
import { isSignalboxError, SignalboxError } from "../../../core/errors.ts";
import type { Refusal } from "../../../core/law.ts";
import { plain, type Output } from "../../output.ts";
import { freePort, onStage, settle, title, type ServerProcess, type Stage } from "../stage.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** One maintenance on real processes, with a refusal, a crash and a failed drain. Leaves nothing behind, also when interrupted. */
export function playMaintenance(given: {
  output: Output;
  /** Ends whatever the nodes still run; answers with what that was. */
  endAllProcesses(stateDir: string): Promise<string[]>;
}): Promise<number> {
  return onStage(given.output, (stage) => {
    const scene: Scene = { ...stage, server: undefined, traffic: undefined };
    stage.atEnd(async () => {
      const left = await given.endAllProcesses(join(stage.dataDir, "processes"));
      return `${left.length} of the nodes and their routers`;
    });
    stage.atEnd(async () => scene.traffic?.stop());
    return play(scene);
  });
}

interface Scene extends Stage {
  server: ServerProcess | undefined;
  traffic: Traffic | undefined;
}

async function play(scene: Scene): Promise<number> {
  const { output, dataDir } = scene;
  const port = await freePort();
  const nodesFile = join(dataDir, "nodes.yaml");
  writeFileSync(nodesFile, nodesYaml(port));

  title(scene, "Three nodes of real HTTP processes behind a router, one embedded database");
  let client = await startUp(scene, nodesFile);
  scene.traffic = createTraffic(port);
  output.line(
    `   replicas web-1 and web-2 run on alpha, web-3 and web-5 on beta, web-4 on gamma; traffic goes to port ${port}`,
  );
  await settle(scene, 1_000);

  title(scene, "alpha goes into maintenance: POST /v1/nodes/alpha/maintenance/enter");
  await client.call("enter-maintenance", { params: { node: "alpha" }, body: { reason: "a new kernel" } });
  await watch(scene, client, "alpha", ({ context }) => replicasLeft(context) === 1);

  title(scene, "A wrong command: leaving maintenance while the drain is under way");
  await showRefusal(output, () => client.call("exit-maintenance", { params: { node: "alpha" }, body: {} }));

  title(scene, "Signalbox is killed in the middle of the drain (SIGKILL), and started again");
  const drainServed = scene.traffic.served();
  await scene.server?.end("SIGKILL");
  output.line("   killed; the replicas and the router go on without it");
  await settle(scene, 1_000);
  output.line(
    `   ${scene.traffic.served() - drainServed} requests were served meanwhile, ${scene.traffic.failed()} failed so far`,
  );
  client = await startUp(scene, nodesFile);
  output.line("   it took the drain up where it was:");
  await watch(scene, client, "alpha", ({ state }) => state === "Maintenance");

  title(scene, "The work is done; alpha comes back");
  await client.call("exit-maintenance", { params: { node: "alpha" }, body: {} });
  await watch(scene, client, "alpha", ({ state }) => state === "Recovery");
  output.line("   everything is healthy; an operator skips the recovery ramp of five minutes (force)");
  await client.call("exit-maintenance", { params: { node: "alpha" }, body: { force: true } });
  await watch(scene, client, "alpha", ({ state }) => state === "Active");

  title(
    scene,
    "beta cannot be drained: while it is, the other nodes are cordoned, and its last replica has nowhere to go",
  );
  await client.call("cordon-node", { params: { node: "alpha" }, body: {} });
  await client.call("enter-maintenance", {
    params: { node: "beta" },
    body: { reason: "a new disk", drainForMs: 6_000 },
  });
  const shown = await watch(scene, client, "beta", ({ context }) => replicasLeft(context) === 1);
  await client.call("cordon-node", { params: { node: "gamma" }, body: {} });
  await watch(scene, client, "beta", ({ state }) => state === "DrainFailed", shown);
  output.line("   leaving it as if nothing had happened is refused:");
  await showRefusal(output, () => client.call("exit-maintenance", { params: { node: "beta" }, body: {} }));
  output.line("   an operator takes the decision: exit with force");
  const { instance } = await client.call("exit-maintenance", {
    params: { node: "beta" },
    body: { force: true },
  });
  output.line(`   beta  ${instance.state}`);

  title(scene, "The interlocking: an observation of the failed drain arrives late");
  const late = {
    type: "maintenance.observed",
    epoch: (instance.context as { epoch: number }).epoch,
    state: { name: "DrainFailed", reason: "drain failed" },
  };
  await showRefusal(output, () => client.send("node/beta", late));
  for (const node of ["alpha", "gamma"]) await client.call("uncordon-node", { params: { node }, body: {} });
  await watch(scene, client, "beta", ({ state }) => state === "Recovery" || state === "Active");

  title(scene, "Summary");
  return summarise(scene, client);
}

async function summarise({ output, traffic }: Scene, client: Client): Promise<number> {
  await traffic?.stop();
  const served = traffic?.served() ?? 0;
  const failed = traffic?.failed() ?? 0;
  const verified = await client.call("verify");
  const { entries } = await client.call("show-journal", { params: { id: "node/alpha" }, query: { limit: 500 } });
  const { version } = await client.read("node/alpha");
  output.line(`   requests served ${served}, failed ${failed}`);
  output.line(`   journals replayed ${verified.checked}, differences ${verified.differences.length}`);
  output.line(`   alpha has ${entries.length} journal entries and is at version ${version}`);
  return failed === 0 && verified.differences.length === 0 && served > 0 ? 0 : 1;
}

async function startUp(scene: Scene, nodesFile: string): Promise<Client> {
  const startedAt = Date.now();
  scene.server = await scene.startServer(["--port", "0", "--nodes", nodesFile]);
  scene.output.line(
    `   signalbox listens on ${scene.server.url} (process ${scene.server.pid}, ready after ${Date.now() - startedAt} ms)`,
  );
  return createClient({ url: scene.server.url });
}

const pollEveryMs = 100;
const watchForMs = 60_000;

/** Shows a node as it moves, until it is as expected. Answers with what it showed last, for one that goes on from there. */
async function watch(
  { output, signal }: Scene,
  client: Client,
  node: string,
  isExpected: (node: InstanceView) => boolean,
  shownBefore = "",
): Promise<string> {
  const giveUpAt = Date.now() + watchForMs;
  let shown = shownBefore;
  for (;;) {
    const instance = await client.call("show-node", { params: { node } });
    const text = plain(`   ${node}  ${instance.state}  ${newsOf(instance)}`);
    if (text !== shown) output.line(text);
    shown = text;
    if (isExpected(instance)) return shown;
    if (Date.now() > giveUpAt)
      throw new SignalboxError("wait-ended-otherwise", `${node} is still in ${instance.state} after ${watchForMs} ms.`);
    await delay(pollEveryMs, undefined, { signal });
  }
}

/** Undefined while nobody has looked. */
function replicasLeft(context: InstanceView["context"]): number | undefined {
  return (context as { blockers: { replicas?: unknown[] } }).blockers.replicas?.length;
}

/** What there is to say beyond the state's own sentence. */
function newsOf({ waitingFor }: InstanceView): string {
  const [general = "", ...news] = (waitingFor[0]?.what ?? "")
    .split("; ")
    .filter((part) => !part.startsWith("in no maintenance group"));
  return news.length > 0 ? news.join("; ") : `waits for ${general}`;
}

async function showRefusal(output: Output, attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (!isSignalboxError(error, "event-refused")) throw error;
    const { from, event, reasons } = error.details.extra as { from: string; event: string; reasons: Refusal[] };
    output.line(`   409 event-refused: ${event} in ${from}`);
    for (const { code, detail, hint } of reasons) {
      output.line(plain(`     ${code}: ${detail}`));
      if (hint !== undefined) output.line(plain(`     instead: ${hint}`));
    }
    return;
  }
  throw new SignalboxError("internal-fault", "What should have been refused was accepted.");
}

function nodesYaml(port: number): string {
  const script = (name: string) =>
    JSON.stringify([
      process.execPath,
      join(import.meta.dirname, `${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`),
    ]);
  const replica = `{ group: web, command: ${script("replica")} }`;
  return `groups: { web: { port: ${port}, health: /health, minHealthy: 2 } }
drain: { batchSize: 1, pauseMs: 1000 }
nodes:
  alpha:
    replicas: { web-1: ${replica}, web-2: ${replica} }
    daemons: { log-shipper: { command: ${script("daemon")} } }
  beta:
    replicas: { web-3: ${replica}, web-5: ${replica} }
  gamma:
    replicas: { web-4: ${replica} }
`;
}
