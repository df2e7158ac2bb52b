/**
 * The structure that each machine's version stands for. When the test fails, the chart has changed: raise the version,
 * write the migration of older snapshots, and put the new hash here.
 */
export const structures: Readonly<Record<string, { version: number; hash: string }>> = {
  nodeMaintenance: { version: 1, hash: "2e65d241984568e5" },
  maintenanceGroup: { version: 1, hash: "d4a1e8b1799247a1" },
  host: { version: 1, hash: "d5cf604246273207" },
  rollout: { version: 1, hash: "b821e38a8f3ef8bc" },
  channel: { version: 1, hash: "054f720d86349cc7" },
  line: { version: 1, hash: "ea2a10e720afd627" },
  fleet: { version: 1, hash: "c6d3e26d11a0c760" },
  document: { version: 1, hash: "b88bc3cf0eb77c37" },
};
