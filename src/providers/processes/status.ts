import { messageOf } from "../../core/errors.ts";
import type { Backoff } from "./backoff.ts";
import { daemonKey } from "./daemons.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import type { NodesFile } from "./nodes-file.ts";
import { replicaKey } from "./replicas.ts";
import type { RouterStatus } from "./router-control.ts";
import type { Routers } from "./routers.ts";

/** What runs, what should and does not, and through which ports it is reached. */
export interface ProcessesStatus {
  readonly groups: readonly {
    readonly name: string;
    readonly port: number;
    readonly minHealthy: number;
    readonly healthy: number;
    /** The router's; `null` when it does not run. */
    readonly pid: number | null;
    /** Why the router does not answer. */
    readonly fault?: string;
  }[];
  readonly processes: readonly {
    readonly kind: "replica" | "daemon";
    readonly name: string;
    readonly node: string;
    readonly group?: string;
    readonly incarnation: string;
    readonly pid: number;
    readonly port?: number;
    readonly startedAt: number;
    /** Daemons are `running`; nobody asks them for their health. */
    readonly condition: "starting" | "ready" | "unhealthy" | "leaving" | "ending" | "running";
    /** Of a replica whose router answers. */
    readonly openRequests?: number;
  }[];
  /** What is meant to run and does not. */
  readonly missing: readonly { kind: "replica" | "daemon"; name: string; node: string; reason?: string }[];
}

export interface StatusOptions {
  readonly nodes: NodesFile;
  readonly inventory: Inventory;
  readonly routers: Routers;
  readonly backoff: Backoff;
}

export async function statusOf({ nodes, inventory, routers, backoff }: StatusOptions): Promise<ProcessesStatus> {
  const names = [...nodes.groups.keys()];
  const answers = new Map(await Promise.all(names.map(async (name) => [name, await ask(name, routers)] as const)));
  const all = inventory.all().filter((one) => one.ending !== undefined || inventory.isAlive(one));
  const processes = all.flatMap((one) => processOf(one, answers.get(one.record.group ?? "")?.status));
  return {
    groups: [...nodes.groups.values()].map(({ name, port, minHealthy }) => {
      const healthy = processes.filter(({ group, condition }) => group === name && condition === "ready").length;
      const [router] = inventory.named("router", name);
      const fault = answers.get(name)?.fault;
      return { name, port, minHealthy, healthy, pid: router?.identity.pid ?? null, ...(fault && { fault }) };
    }),
    processes,
    missing: [...missingReplicas(nodes, inventory), ...missingDaemons(nodes, inventory)].map(({ key, ...missing }) => {
      const reason = backoff.lastFailure(key);
      return reason === undefined ? missing : { ...missing, reason };
    }),
  };
}

async function ask(group: string, routers: Routers): Promise<{ status?: RouterStatus; fault?: string }> {
  try {
    return { status: await routers.status(group) };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

type ProcessStatus = ProcessesStatus["processes"][number];

function processOf(one: Incarnation, router: RouterStatus | undefined): ProcessStatus[] {
  const { kind, name, node = "", group, incarnation, port, startedAt } = one.record;
  if (kind === "router") return [];
  const status = { kind, name, node, incarnation, pid: one.identity.pid, startedAt, condition: conditionOf(one) };
  const replica = {
    ...(group !== undefined && { group }),
    ...(port !== undefined && { port }),
    ...(router !== undefined && { openRequests: router.openRequests[incarnation] ?? 0 }),
  };
  return [{ ...status, ...replica }];
}

function conditionOf({
  record,
  condition,
  isLeaving,
  ending,
}: Incarnation): ProcessesStatus["processes"][number]["condition"] {
  if (ending !== undefined) return "ending";
  if (isLeaving) return "leaving";
  return record.kind === "daemon" ? "running" : condition;
}

type Missing = { key: string; kind: "replica" | "daemon"; name: string; node: string };

function missingReplicas({ replicas }: NodesFile, inventory: Inventory): Missing[] {
  return [...replicas.values()]
    .filter(({ name }) => inventory.named("replica", name).length === 0)
    .map(({ name, node }) => ({ key: replicaKey(name), kind: "replica", name, node }));
}

function missingDaemons({ nodes }: NodesFile, inventory: Inventory): Missing[] {
  return [...nodes.values()]
    .flatMap(({ daemons }) => [...daemons.values()])
    .filter(({ name, node }) => !inventory.named("daemon", name).some(({ record }) => record.node === node))
    .map(({ name, node }) => ({ key: daemonKey({ name, node }), kind: "daemon", name, node }));
}
