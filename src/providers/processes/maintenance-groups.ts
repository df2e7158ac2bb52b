import type { MaintenanceGroup, NodesFile } from "./nodes-file.ts";

/** The maintenance groups whose selector matches the node's labels. None for a node that is not in the file. */
export function groupsOf(file: NodesFile, node: string): string[] {
  return [...file.maintenanceGroups.values()].filter((group) => isMember(file, group, node)).map(({ name }) => name);
}

/** The nodes that a maintenance group selects. */
export function membersOf(file: NodesFile, group: string): string[] {
  const spec = file.maintenanceGroups.get(group);
  return spec === undefined ? [] : [...file.nodes.keys()].filter((node) => isMember(file, spec, node));
}

function isMember(file: NodesFile, { selector }: MaintenanceGroup, node: string): boolean {
  const labels = file.nodes.get(node)?.labels;
  return labels !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value);
}
