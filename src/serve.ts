import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { collectDefaultMetrics } from "@prometheus-io/client";
import { machines } from "../machines/index.ts";
import type { ServeOptions } from "./cli/program.ts";
import type { Config } from "./config.ts";
import { messageOf, SignalboxError } from "./core/errors.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { ifThere } from "./engine/if-there.ts";
import type { ControlPlane } from "./fleet/control-plane.ts";
import { createControlPlane } from "./fleet/create-control-plane.ts";
import { declarationPrincipal } from "./fleet/requests.ts";
import { isLoopback } from "./http/address.ts";
import { createApp } from "./http/app.ts";
import { listen } from "./http/server.ts";
import { authenticateByTokens } from "./http/token-authentication.ts";
import { declareNodes, type DeclaredNodes } from "./operations/declare-nodes.ts";
import { parseFleetText, type FleetText } from "./planning/parse-fleet-text.ts";
import { makeDataDirectory } from "./providers/data-directory.ts";
import { committedFile } from "./providers/git-head.ts";
import { groupsOf, membersOf } from "./providers/processes/maintenance-groups.ts";
import { parseNodesFile, type NodesFile } from "./providers/processes/nodes-file.ts";
import { createProcessesProvider, type ProcessesProvider } from "./providers/processes/processes-provider.ts";
import { aborted, stopSignal } from "./providers/stop-signal.ts";
import { steadyClock, systemClock } from "./providers/system-clock.ts";
import { databaseIn } from "./store/sqlite/backup.ts";
import { sqliteStore } from "./store/sqlite/sqlite.ts";
import { createLog } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createTracing } from "./telemetry/tracing.ts";
import { parseInspectUrl } from "./stately/connection.ts";
import { createInspector } from "./stately/inspector.ts";

/** Config -> store, provider, machines -> engine -> HTTP. Resolves when a signal has stopped it. */
export async function serve(
  { data, port, host, nodes: nodesPath, fleet: fleetPath, watchFleet, tokens: tokensPath, inspectUrl }: ServeOptions,
  { logLevel, isRunByNpx }: Config,
): Promise<number> {
  const log = createLog({ level: logLevel, fd: 2 });
  if (tokensPath === undefined && !isLoopback(host)) {
    throw new SignalboxError(
      "invalid-request",
      `--host ${host} would let others in without authentication. Use a loopback address, or say with --tokens who may come in.`,
    );
  }
  if (inspectUrl !== undefined) parseInspectUrl(inspectUrl); // before anything is opened
  const stopping = stopSignal({ isRunByNpx });
  const nodes = nodesPath === undefined ? undefined : readNodesFile(nodesPath);
  if (watchFleet === true && fleetPath === undefined) {
    throw new SignalboxError("invalid-request", "--watch-fleet needs a file to watch. Name it with --fleet.");
  }
  const declared = fleetPath === undefined || watchFleet === true ? undefined : readFleetFile(fleetPath);
  const authenticate =
    tokensPath === undefined ? undefined : authenticateByTokens({ path: tokensPath, clock: systemClock(), log });
  makeDataDirectory(data);
  const store = sqliteStore(databaseIn(data));
  const ends = [() => store.close()]; // what was begun, the newest first
  try {
    const clock = systemClock();
    const provider =
      nodes &&
      createProcessesProvider({
        nodes,
        stateDir: join(resolve(data), "processes"),
        workDir: dirname(resolve(nodesPath ?? ".")),
        clock,
        mayPlace: async (node) => mayPlace(engine, node),
        log,
      });
    const fleet = createControlPlane({ clock, steady: steadyClock(), log });
    const providers = [...(provider ? [provider] : []), fleet.provider];
    const engine: Engine = createEngine({ machines, store, clock, providers, log });
    const metrics = createMetrics(engine);
    collectDefaultMetrics({ register: metrics.registry }); // it watches the process for good: once, and here
    const tracing = await createTracing(engine);
    if (nodes !== undefined) await declareNodes(engine, declaredIn(nodes));
    const app = createApp(engine, {
      log,
      stopping,
      metrics,
      fleet,
      ...(tracing && { tracing }),
      ...(authenticate && { authenticate }),
    });
    const listening = await listen(app, { host, port }); // before anything runs: the port may be taken
    if (provider !== undefined) ends.unshift(() => provider.stop());
    ends.unshift(
      () => listening.close(),
      () => engine.stop(),
      () => fleet.stop(),
    );
    if (inspectUrl !== undefined) {
      const inspector = createInspector(engine, { url: inspectUrl, log });
      ends.unshift(() => inspector.stop());
      ends.push(leaveSoon);
    }
    const stopped = aborted(stopping);
    const started = start({ engine, provider, fleet, stopping }, async () => {
      if (declared !== undefined)
        await fleet.apply(declared.fleet, declared.document, { principal: declarationPrincipal });
      if (watchFleet === true && fleetPath !== undefined) await fleet.watch(committedFile(fleetPath));
    });
    started.catch(() => undefined); // a stop may end it
    await Promise.race([started, stopped]);
    if (!stopping.aborted) {
      process.stdout.write(`${JSON.stringify({ listening: listening.url })}\n`);
      log.info({ url: listening.url, data }, "listening");
      await stopped;
    }
    log.info({ signal: stopping.reason as unknown }, "stopping: no new requests, running work is given back");
    return 0;
  } finally {
    for (const end of ends) await end();
  }
}

interface Started {
  engine: Engine;
  provider: ProcessesProvider | undefined;
  fleet: ControlPlane;
  stopping: AbortSignal;
}

/** In the order in which one needs the other; a stop in between ends it. */
async function start({ engine, provider, fleet, stopping }: Started, declare: () => Promise<void>): Promise<void> {
  const steps = [() => provider?.start(), () => fleet.start(engine), () => engine.start(), declare];
  for (const step of steps) if (!stopping.aborted) await step();
}

const goodbyeMs = 1_000;

/** Nothing runs any more; yet a WebSocket waits for the answer to its goodbye, and nobody can end it before. */
async function leaveSoon(): Promise<void> {
  setTimeout(() => process.exit(), goodbyeMs).unref();
}

/** Work may come to a node that is Active and that nobody has cordoned. */
async function mayPlace(engine: Engine, node: string): Promise<boolean> {
  const found = await ifThere(engine.read(`node/${node}`));
  return found?.state === "Active" && !found.tags.includes("cordoned");
}

function readNodesFile(path: string): NodesFile {
  return parseNodesFile(readText(path, "nodes file"));
}

function readFleetFile(path: string): FleetText {
  return parseFleetText(readText(path, "fleet declaration"));
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new SignalboxError("invalid-request", `The ${what} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

function declaredIn(file: NodesFile): DeclaredNodes {
  return {
    nodes: [...file.nodes.values()].map(({ name, labels }) => ({ name, labels, groups: groupsOf(file, name) })),
    groups: [...file.maintenanceGroups.values()].map(({ name, maxUnavailable }) => ({
      name,
      maxUnavailable,
      members: membersOf(file, name).length,
    })),
  };
}
