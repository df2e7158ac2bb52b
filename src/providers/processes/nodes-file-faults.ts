/** A fault of a nodes file and where it is. */
export interface Fault {
  path: PropertyKey[];
  detail: string;
}

/**
 * The faults between parts of a nodes file. Takes the file as it was read, so that they are told together with the faults
 * of its shape; what has no shape is skipped.
 */
export function crossFaults(file: unknown): Fault[] {
  const groups = entriesOf(field(file, "groups"));
  const replicas = replicasOf(file);
  return [...replicaFaults(replicas, new Set(groups.map(([name]) => name))), ...groupFaults(groups, replicas)];
}

interface PlacedReplica {
  name: string;
  node: string;
  spec: unknown;
}

function replicasOf(file: unknown): PlacedReplica[] {
  return entriesOf(field(file, "nodes")).flatMap(([node, spec]) =>
    entriesOf(field(spec, "replicas")).map(([name, replica]) => ({ name, node, spec: replica })),
  );
}

function replicaFaults(replicas: PlacedReplica[], groups: Set<string>): Fault[] {
  const faults: Fault[] = [];
  const homes = new Map<string, string>();
  for (const { name, node, spec } of replicas) {
    const path = ["nodes", node, "replicas", name];
    const group = field(spec, "group");
    if (typeof group === "string" && !groups.has(group)) {
      faults.push({ path: [...path, "group"], detail: `There is no group ${group}` });
    }
    const home = homes.get(name);
    if (home !== undefined) faults.push({ path, detail: `A replica ${name} is already on node ${home}` });
    else homes.set(name, node);
    if (field(field(spec, "env"), "PORT") !== undefined) {
      faults.push({ path: [...path, "env", "PORT"], detail: "A replica is given its PORT" });
    }
  }
  return faults;
}

function groupFaults(groups: [string, unknown][], replicas: PlacedReplica[]): Fault[] {
  const faults: Fault[] = [];
  const owners = new Map<unknown, string>();
  for (const [name, spec] of groups) {
    const port = field(spec, "port");
    const owner = owners.get(port);
    if (owner !== undefined) {
      faults.push({ path: ["groups", name, "port"], detail: `Port ${String(port)} is that of group ${owner}` });
    } else if (port !== undefined) owners.set(port, name);
    const minHealthy = field(spec, "minHealthy");
    const size = replicas.filter((replica) => field(replica.spec, "group") === name).length;
    if (typeof minHealthy === "number" && minHealthy > size) {
      const detail = `The group has ${size} replicas, so that ${minHealthy} can never be healthy`;
      faults.push({ path: ["groups", name, "minHealthy"], detail });
    }
  }
  return faults;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function field(value: unknown, key: string): unknown {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}
