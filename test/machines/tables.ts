/** state -> event -> what its examples lead to: a state, the states of a macrostep, "stays", "no-op" or "refused". */
export type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** An event that a state does not name is refused there, whatever it carries. Written by hand, from the lifecycle's page. */
export const tables: Readonly<Record<string, Table>> = {
  nodeMaintenance: {
    Active: {
      "maintenance.enter": "EnteringMaintenance | refused", // without the slots of its groups
      "maintenance.observed": "EnteringMaintenance | no-op | refused",
      ...inEveryState(),
    },
    EnteringMaintenance: {
      "maintenance.enter": "stays",
      "maintenance.abort": "DrainFailed > ExitingMaintenance",
      "maintenance.observed": "DrainFailed | Maintenance | no-op | refused | stays",
      "drain.progressed": "Maintenance | refused | stays",
      "drain.deadlineElapsed": "DrainFailed",
      "done drainNode": "DrainFailed | Maintenance",
      "error drainNode": "DrainFailed",
      ...watched(),
      ...inEveryState(),
    },
    Maintenance: {
      "maintenance.exit": "ExitingMaintenance",
      "maintenance.observed": "DrainFailed | ExitingMaintenance | no-op | refused",
      "drain.progressed": "DrainFailed | no-op | refused | stays", // stays: the first inventory after an observed entry
      "maintenance.overdue": "stays",
      ...watched(),
      ...inEveryState(),
    },
    ExitingMaintenance: {
      "maintenance.exit": "Recovery | no-op | stays",
      "maintenance.observed": "Recovery | no-op | refused",
      "daemons.progressed": "Recovery | refused | stays",
      "maintenance.overdue": "stays",
      "resume.retryDue": "stays",
      "done resumeNode": "Recovery",
      "error resumeNode": "stays",
      ...inEveryState(),
    },
    DrainFailed: {
      "maintenance.exit": "ExitingMaintenance | refused",
      "maintenance.retry": "ExitingMaintenance > Recovery > Active > EnteringMaintenance",
      "maintenance.observed": "ExitingMaintenance | no-op | refused",
      "drain.progressed": "refused | stays",
      ...watched(),
      ...inEveryState(),
    },
    Recovery: {
      "maintenance.exit": "Active | no-op | stays",
      "maintenance.observed": "Active | no-op | refused",
      "after recoveryRamp": "Active",
      ...inEveryState(),
    },
  },
  maintenanceGroup: {
    Open: {
      "slot.taken": "Exhausted | no-op | stays",
      "slot.queued": "Exhausted | no-op | stays",
      "slot.released": "no-op | stays",
      "group.configured": "Exhausted | stays",
    },
    Exhausted: {
      "slot.taken": "no-op | refused | stays",
      "slot.queued": "no-op | stays",
      "slot.released": "Open | no-op | stays",
      "group.configured": "Open | stays",
    },
  },
};

function watched() {
  return { "done watchNode": "no-op", "error watchNode": "no-op" };
}

function inEveryState() {
  return { "node.cordon": "no-op | stays", "node.uncordon": "no-op | stays", "node.configured": "stays" };
}
