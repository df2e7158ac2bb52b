/**
 * The structure that each machine's version stands for. When the test fails, the chart has changed: raise the version,
 * write the migration of older snapshots, and put the new hash here.
 */
export const structures: Readonly<Record<string, { version: number; hash: string }>> = {
  nodeMaintenance: { version: 1, hash: "431b8877096ecddb" },
  maintenanceGroup: { version: 1, hash: "d4a1e8b1799247a1" },
};
