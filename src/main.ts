import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import pino from "pino";
import { machines } from "../machines/index.ts";
import { runDemo } from "./cli/demo/demo.ts";
import { standardOutput } from "./cli/output.ts";
import { runProgram, type ServeOptions } from "./cli/program.ts";
import { readConfig, type Config } from "./config.ts";
import { isSignalboxError, messageOf, SignalboxError } from "./core/errors.ts";
import type { Log } from "./core/log.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { createApp } from "./http/app.ts";
import { listen } from "./http/server.ts";
import { declareNodes, type DeclaredNodes } from "./operations/declare-nodes.ts";
import { endAllProcesses } from "./providers/processes/end-all.ts";
import { groupsOf, membersOf } from "./providers/processes/maintenance-groups.ts";
import { parseNodesFile, type NodesFile } from "./providers/processes/nodes-file.ts";
import { createProcessesProvider } from "./providers/processes/processes-provider.ts";
import { systemClock } from "./providers/system-clock.ts";
import { sqliteStore } from "./store/sqlite/sqlite.ts";

/** Runs the command line; answers with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const output = standardOutput();
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    output.error(`signalbox: ${messageOf(error)}`);
    return 2;
  }
  const { version } = JSON.parse(readFileSync(packageFile(), "utf8")) as { version: string };
  const composed = {
    serve: (options: ServeOptions) => serve(options, config),
    demo: () => runDemo({ output, endAllProcesses }),
  };
  return runProgram({ argv, defaultUrl: config.url, version, output, composed });
}

/** Config -> store, provider, machines -> engine -> HTTP. Resolves when a signal has stopped it. */
async function serve({ data, port, host, nodes: nodesPath }: ServeOptions, { logLevel }: Config): Promise<number> {
  const log = pino({ level: logLevel }, pino.destination({ dest: 2, sync: true })) as Log;
  if (!isLoopback(host)) {
    throw new SignalboxError(
      "invalid-request",
      `--host ${host} would let others in without authentication. Use a loopback address.`,
    );
  }
  const stopped = stopSignal();
  mkdirSync(data, { recursive: true });
  const store = sqliteStore(join(data, "signalbox.db"));
  try {
    const clock = systemClock();
    const nodes = nodesPath === undefined ? undefined : readNodesFile(nodesPath);
    const provider =
      nodes &&
      createProcessesProvider({
        nodes,
        stateDir: join(resolve(data), "processes"),
        clock,
        mayPlace: async (node) => mayPlace(engine, node),
        log,
      });
    const engine: Engine = createEngine({ machines, store, clock, providers: provider ? [provider] : [], log });
    if (nodes !== undefined) await declareNodes(engine, declaredIn(nodes));
    await provider?.start();
    await engine.start();
    const listening = await listen(createApp(engine, { log }), { host, port });
    process.stdout.write(`${JSON.stringify({ listening: listening.url })}\n`);
    log.info({ url: listening.url, data }, "listening");
    const signal = await stopped;
    log.info({ signal }, "stopping: no new requests, running work is given back");
    await listening.close();
    await engine.stop();
    await provider?.stop();
    return 0;
  } finally {
    await store.close();
  }
}

/** Work may come to a node that is Active and that nobody has cordoned. */
async function mayPlace(engine: Engine, node: string): Promise<boolean> {
  try {
    const { state, tags } = await engine.read(`node/${node}`);
    return state === "Active" && !tags.includes("cordoned");
  } catch (error) {
    if (isSignalboxError(error, "not-found")) return false;
    throw error;
  }
}

function readNodesFile(path: string): NodesFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SignalboxError("invalid-request", `The nodes file cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  return parseNodesFile(text);
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

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The first signal that asks the process to end; a second one ends it at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolveSignal) => {
    let isAsked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (isAsked) process.exit(1);
        isAsked = true;
        resolveSignal(signal);
      });
    }
  });
}

/** Beside `src/` in a checkout, beside `dist/` in the package. */
function packageFile(): URL {
  const isBuilt = import.meta.url.endsWith(".js");
  return new URL(isBuilt ? "../../package.json" : "../package.json", import.meta.url);
}
