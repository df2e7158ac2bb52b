import { setTimeout as delay } from "node:timers/promises";
import { createClient, type Client } from "../../../client/index.ts";
import { isSignalboxError, messageOf, SignalboxError } from "../../../core/errors.ts";
import type { RolloutView } from "../../../operations/rollout-schemas.ts";
import { plain, type Output } from "../../output.ts";
import { describeHost } from "../../rollout-describe.ts";
import { explainHost } from "../../rollout-explain.ts";
import { sumOfCounts } from "../../rollout-bar.ts";
import { endOf } from "../../rollout-status.ts";
import { watchRollout } from "../../rollout-watch.ts";
import { applicationLines } from "../../fleet-difference.ts";
import { freePort, onStage, title, type ServerProcess, type Stage } from "../stage.ts";
import { memoryOf, startAgents } from "./agents.ts";
import { channel, createSite, declarationOf, versions, type Site } from "./site.ts";

/** A good version over many agents with a crash in the middle, then a bad one. Leaves nothing behind, also when interrupted. */
export function playRollouts({ output, hosts }: { output: Output; hosts: number }): Promise<number> {
  return onStage(output, (stage) => play(stage, hosts));
}

/** Those that are switched off at first: the last two of the last wave. */
const switchedOff = 2;

interface Scene extends Stage {
  site: Site;
  port: number;
  server: ServerProcess;
  client: Client;
}

async function play(stage: Stage, hosts: number): Promise<number> {
  const { output } = stage;
  const startedAt = Date.now();
  const scene = await setUp(stage, hosts);
  const { site } = scene;
  const off = site.hosts.slice(-switchedOff);

  title(
    stage,
    `${versions.good} goes out to ${hosts} hosts in three waves; ${off.map(({ name }) => name).join(" and ")} are switched off`,
  );
  const good = await apply(scene, versions.good);
  for (const { name } of off) {
    const params = { rollout: good, host: name };
    await scene.client.call("excuse-host", { params, body: { reason: "switched off" } });
    output.line(`   an operator excuses ${name}: signalbox rollout excuse ${channel} ${name} --reason "switched off"`);
  }
  await show(scene, good, (rollout) => isAmidEarly(rollout) || endOf(rollout) !== undefined);

  title(stage, "The control plane is killed in the middle of the second wave (SIGKILL), and started again");
  await crash(scene);
  await show(scene, good, ({ state }) => state === "Terminal");
  const converged = await countsOf(scene, good);
  output.line(`   ${converged.Converged ?? 0} converged, ${converged.Excused ?? 0} excused`);

  title(stage, `${off.map(({ name }) => name).join(" and ")} are switched on, and catch up`);
  await startAgents(stage, { hosts: off, url: scene.server.url });
  await show(scene, good, ({ waves }) => (sumOfCounts(waves.map(({ counts }) => counts)).Converged ?? 0) === hosts);
  output.line(`   on disk: ${versionsText(site)}`);

  title(stage, `${versions.bad} cannot reach its database: its probe fails on the hosts of the first wave`);
  const badAt = Date.now();
  const bad = await apply(scene, versions.bad);
  await show(scene, bad, (rollout) => endOf(rollout) !== undefined && isAtRest(rollout));
  const restMs = Date.now() - badAt;

  title(stage, `${versions.bad} is quarantined: offered again, it reaches nobody`);
  await showQuarantine(scene);

  title(stage, "Summary");
  return summarise(scene, { bad, hosts, restMs, startedAt });
}

async function setUp(stage: Stage, hosts: number): Promise<Scene> {
  const { output, dataDir, signal } = stage;
  title(stage, `One control plane with an embedded database, and ${hosts} hosts, each with its agent as a process`);
  const site = createSite({ dir: dataDir, hosts });
  const port = await freePort();
  const server = await startUp(stage, site, port);
  const online = site.hosts.slice(0, -switchedOff);
  const startedAt = Date.now();
  const onReady = (running: number) => {
    if (output.isTerminal) output.redraw(`   ${running} of ${online.length} agents run`);
  };
  const agents = await startAgents(stage, { hosts: online, url: server.url, onReady });
  signal.throwIfAborted();
  if (output.isTerminal) output.redraw("");
  const megabytes = memoryOf(agents);
  const memory = megabytes === undefined ? "" : `, ${megabytes} MB together`;
  output.line(
    `   ${agents.length} agents run after ${seconds(Date.now() - startedAt)}${memory}; each has a token for its host alone`,
  );
  output.line(`   the application is a folder per release; ${versions.installed} is installed everywhere`);
  const client = createClient({ url: server.url, token: site.operatorToken });
  return { ...stage, site, port, server, client };
}

async function startUp(stage: Stage, site: Site, port: number): Promise<ServerProcess> {
  const startedAt = Date.now();
  const server = await stage.startServer(["--port", String(port), "--tokens", site.tokensFile]);
  stage.output.line(
    `   signalbox listens on ${server.url} (process ${server.pid}, ready after ${Date.now() - startedAt} ms)`,
  );
  return server;
}

/** Declares the ref; answers with the rollout that this has opened. */
async function apply({ client, site, output }: Scene, ref: string): Promise<string> {
  const applied = await client.call("apply-fleet", { body: { document: declarationOf(site, ref) }, query: {} });
  for (const line of applicationLines(applied)) output.line(plain(`   ${line}`));
  const [opened] = applied.rollouts;
  if (opened?.rolloutId == null) throw new SignalboxError("internal-fault", `No rollout of ${ref} was opened.`);
  return opened.rolloutId;
}

const watchForMs = 120_000;

/** Shows a rollout as it moves, until it is as expected. */
async function show(scene: Scene, rolloutId: string, isEnough: (rollout: RolloutView) => boolean): Promise<void> {
  const { client, output, signal } = scene;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(watchForMs)]);
  const seen = await watchRollout({ client, output, rolloutId, signal: limit, indent: "   ", isEnough });
  signal.throwIfAborted();
  if (seen !== undefined && isEnough(seen)) return;
  const state = seen?.state ?? "unknown";
  throw new SignalboxError("wait-ended-otherwise", `${rolloutId} is still in ${state} after ${watchForMs} ms.`);
}

/** Some hosts of the second wave have it, and others are on their way. */
function isAmidEarly({ waves, currentWave }: RolloutView): boolean {
  const { Activating = 0, Soaking = 0 } = waves[1]?.counts ?? {};
  return currentWave === 1 && Activating + Soaking > 0;
}

/** Nobody is on the way any more, neither forward nor back. */
function isAtRest({ waves }: RolloutView): boolean {
  const { Activating = 0, Soaking = 0, Failed = 0 } = sumOfCounts(waves.map(({ counts }) => counts));
  return Activating + Soaking + Failed === 0;
}

async function crash(scene: Scene): Promise<void> {
  const { output, site, port, signal } = scene;
  await scene.server.end("SIGKILL");
  output.line("   killed; the agents go on with what they were told, and keep what they have to tell");
  await delay(1_000, undefined, { signal });
  scene.server = await startUp(scene, site, port);
  output.line("   it has everything again, and goes on:");
}

/** Offers the bad ref once more, shows what holds it, and takes the offer back. */
async function showQuarantine(scene: Scene): Promise<void> {
  const { client, output, site } = scene;
  const { items } = await client.call("list-quarantines");
  for (const { ref, reason, since } of items) output.line(plain(`   ${ref} on ${channel} since ${since}: ${reason}`));
  let again: string;
  try {
    again = (await client.call("open-rollout", { body: { channel, ref: versions.bad } })).rolloutId;
  } catch (error) {
    if (!isSignalboxError(error, "event-refused")) throw error;
    output.line(plain(`   refused: ${messageOf(error)}`));
    for (const { code, detail } of error.reasons) output.line(plain(`     ${code}: ${detail}`));
    return;
  }
  output.line(`   signalbox rollout open ${channel} ${versions.bad} opens ${again}, and holds it:`);
  const held = await heldHost(scene, again, site.hosts[0]?.name ?? "");
  for (const line of held) output.line(plain(`   ${line}`));
  await client.call("cancel-rollout", { params: { rollout: again }, body: { reason: "it was only to show" } });
}

const pollEveryMs = 200;

async function heldHost({ client, signal }: Scene, rollout: string, host: string): Promise<string[]> {
  for (const giveUpAt = Date.now() + 10_000; ; ) {
    const explained = await explainHost(client, host, rollout);
    if (explained.gates.length > 0 || Date.now() > giveUpAt) return describeHost(explained);
    await delay(pollEveryMs, undefined, { signal });
  }
}

async function countsOf({ client }: Scene, rollout: string) {
  const { waves } = await client.call("show-rollout", { params: { rollout } });
  return sumOfCounts(waves.map(({ counts }) => counts));
}

async function summarise(
  scene: Scene,
  { bad, hosts, restMs, startedAt }: { bad: string; hosts: number; restMs: number; startedAt: number },
): Promise<number> {
  const { client, output, site } = scene;
  const reached = site.hostsThatRan(versions.bad);
  const back = await countsOf(scene, bad);
  const verified = await client.call("verify");
  const onDisk = [...site.versions().values()];
  const isAllGood = onDisk.every((version) => version === versions.good);
  output.line(
    `   blast radius of ${versions.bad}: ${reached.length} of ${hosts} hosts ever ran it, ${back.Reverted ?? 0} went back by themselves, at rest after ${seconds(restMs)}`,
  );
  output.line(`   journals replayed ${verified.checked}, differences ${verified.differences.length}`);
  output.line(`   on disk: ${versionsText(site)}`);
  output.line(`   all of it took ${seconds(Date.now() - startedAt)}`);
  const isContained = reached.length > 0 && reached.length === (back.Reverted ?? 0);
  return isAllGood && isContained && verified.differences.length === 0 && verified.checked > 0 ? 0 : 1;
}

/** "40 hosts with v2" */
function versionsText(site: Site): string {
  const byVersion = Map.groupBy(site.versions(), ([, version]) => version);
  return [...byVersion].map(([version, found]) => `${found.length} hosts with ${version}`).join(", ");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
