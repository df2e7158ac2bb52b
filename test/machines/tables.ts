/** state -> event -> what its examples lead to: a state, the states of a macrostep, "stays", "no-op" or "refused". */
export type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** An event that a state does not name is refused there, whatever it carries. Written by hand, from the lifecycle's page. */
export const tables: Readonly<Record<string, Table>> = {
  nodeMaintenance: {
    Active: {
      "maintenance.enter": "EnteringMaintenance | refused", // without the slots of its groups
      "maintenance.observed": "EnteringMaintenance | no-op | refused",
      "node.queued": "stays",
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
  rollout: {
    Opening: {
      "host.joined": "Active | refused",
      ...openToPeople(),
    },
    Active: {
      "host.joined": "refused | stays",
      "host.changed": "Converging | Failed | Reverted | Terminal | refused | stays",
      "wave.advanced": "Converging | refused | stays",
      "rollout.completed": "Terminal | refused",
      ...openToPeople(),
      "rollout.resume": "Converging | Terminal | no-op | stays", // accepting what is excused may settle the wave
    },
    Converging: {
      "host.joined": "refused | stays",
      "host.changed": "Failed | Reverted | refused | stays",
      "wave.advanced": "Active | no-op | refused",
      "rollout.completed": "Terminal | refused",
      ...openToPeople(),
      "rollout.resume": "no-op | refused | stays",
    },
    Terminal: {
      "host.joined": "no-op",
      "host.changed": "refused | stays",
      "rollout.completed": "no-op",
      "rollout.superseded": "Superseded | refused",
      ...ended(),
      "plan.decided": "stays", // a host that was excused is back
    },
    Reverted: { "host.changed": "refused | stays", ...halted() },
    Failed: { "host.changed": "Reverted | refused | stays", ...halted() },
    Superseded: {
      "host.joined": "no-op",
      "host.changed": "refused | stays",
      "wave.advanced": "no-op",
      "rollout.completed": "no-op",
      "rollout.superseded": "no-op | refused",
      ...ended(),
    },
    Pruned: {},
  },
  channel: {
    Clear: {
      "rollout.opened": "refused | stays",
      "rollout.ended": "no-op | stays",
      "rollout.forgotten": "refused | stays",
      "ref.quarantined": "Quarantining | no-op",
    },
    Quarantining: {
      "rollout.opened": "refused | stays",
      "rollout.ended": "no-op | stays",
      "rollout.forgotten": "refused | stays",
      "ref.quarantined": "no-op",
      "quarantine.cleared": "Clear",
    },
  },
  line: {
    Running: { "line.freeze": "Stopped", "line.thaw": "no-op", "dispatch.planned": "stays" },
    Stopped: { "line.freeze": "no-op", "line.thaw": "Running", "dispatch.planned": "refused | stays" },
  },
  fleet: {
    Undeclared: { "fleet.applied": "Declared | refused" },
    Declared: { "fleet.applied": "no-op | refused | stays" },
  },
  document: {
    Kept: { "document.dropped": "Dropped" },
    Dropped: {},
  },
  host: {
    Pending: {
      "dispatch.offered": "no-op | stays",
      "dispatch.withdrawn": "no-op | stays",
      "dispatch.acknowledged": "Activating | refused", // when no offer stands
      "host.released": "Released",
      ...presence(),
    },
    Activating: {
      "activation.started": "no-op | stays",
      "activation.completed": "Failed | Failed > Released | Soaking | Soaking > Released", // it was asked while activating
      "activation.deferred": "Deferred | Deferred > Released",
      "activation.failed": "Failed | Failed > Released",
      "activation.unconfirmed": "Failed | Failed > Released", // where it cannot go back
      "agent.failed": "Failed | Failed > Released",
      "done activate": "stays",
      "error activate": "stays",
      "host.released": "Released | no-op | stays",
      ...presence(),
    },
    Deferred: {
      "activation.completed": "Failed | Soaking",
      "activation.failed": "Failed",
      "agent.failed": "Failed",
      "done awaitReboot": "stays",
      "error awaitReboot": "stays",
      "deferral.overdue": "stays",
      "host.released": "Released",
      ...presence(),
    },
    Soaking: {
      "probes.declared": "stays",
      "probe.reported": "stays",
      "soak.waived": "no-op | stays",
      "host.converged": "Converged | refused",
      "health.failed": "Failed | refused",
      "activation.unconfirmed": "Failed",
      "agent.failed": "Failed",
      "done probe": "stays",
      "error probe": "stays",
      "done awaitConfirmation": "stays",
      "error awaitConfirmation": "stays",
      "host.released": "Released",
      ...presence(),
    },
    Converged: {
      "rollback.requested": "Failed",
      "rollback.completed": "Reverted | refused",
      "rollback.failed": "Failed | refused",
      "host.released": "Released",
      ...presence(),
    },
    Failed: {
      "rollback.completed": "Reverted",
      "rollback.failed": "Released | stays",
      "done rollBack": "refused | stays", // only where it rolls back
      "error rollBack": "refused | stays",
      "host.released": "Released | no-op | stays", // remembered while a host that may be cut off goes back
      ...presence(),
    },
    Reverted: {},
    Released: {},
  },
};

function presence() {
  return {
    "orders.taken": "no-op | stays",
    "host.unreachable": "no-op | stays",
    "host.seen": "no-op | stays",
    "host.excused": "no-op | stays",
    "host.excuseDue": "refused | stays",
  };
}

function openToPeople() {
  return {
    "rollout.superseded": "Superseded | refused",
    "rollout.pause": "no-op | stays",
    "rollout.resume": "no-op | stays",
    "rollout.promote": "no-op | refused | stays",
    "wave.approve": "refused | stays",
    "rollout.cancel": "Superseded",
    ...planned(),
  };
}

function halted() {
  return {
    "host.joined": "no-op",
    "wave.advanced": "no-op",
    "rollout.completed": "no-op",
    "rollout.superseded": "Superseded | refused",
    "rollout.cancel": "Superseded",
    "operator.cleared": "stays",
    ...ended(),
  };
}

function ended() {
  return { "retention.due": "stays", "retention.expired": "Pruned", ...planned() };
}

function planned() {
  return {
    "plan.requested": "no-op | refused | stays",
    "plan.decided": "refused | stays",
    "plan.due": "refused | stays",
    "done planRollout": "refused | stays",
    "error planRollout": "refused | stays",
  };
}

function watched() {
  return { "done watchNode": "no-op", "error watchNode": "no-op" };
}

function inEveryState() {
  return { "node.cordon": "no-op | stays", "node.uncordon": "no-op | stays", "node.configured": "stays" };
}
