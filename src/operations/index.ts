import { pollDispatch, reportEvents } from "./agent-link.ts";
import { listAttention } from "./attention.ts";
import { listAuditRows, verifyAudit } from "./audit.ts";
import { showContract, showDocs, showScript, showStyle } from "./documents.ts";
import { applyFleet, showDeclaration, showFleet } from "./fleet.ts";
import { liveness, readiness } from "./health.ts";
import {
  createInstance,
  explainEvent,
  explainInstance,
  listInstances,
  sendEvent,
  showInstance,
  verify,
} from "./instances.ts";
import { showInspect } from "./inspect.ts";
import { listJournal, showJournal, showMoment } from "./journal.ts";
import { freezeLine, showFreeze, thawLine } from "./line.ts";
import { metrics } from "./metrics.ts";
import { listMachines, showDiagram, showMachine } from "./machines.ts";
import {
  abortMaintenance,
  cordonNode,
  enterMaintenance,
  exitMaintenance,
  listNodes,
  retryMaintenance,
  showNode,
  uncordonNode,
} from "./nodes.ts";
import type { Operation } from "./operation.ts";
import { listOverview } from "./overview.ts";
import { discardPending, listPending, retryPending } from "./pending.ts";
import { clearQuarantine, listQuarantines } from "./quarantines.ts";
import {
  abortRollout,
  approveRollout,
  cancelRollout,
  clearRollout,
  pauseRollout,
  promoteRollout,
  resumeRollout,
  retryRollout,
  undoChannel,
} from "./rollout-actions.ts";
import { excuseHost, explainRolloutHost, listRolloutHosts } from "./rollout-hosts.ts";
import { listRolloutEvents, listRollouts, openRollout, showRollout, showRolloutPlan } from "./rollouts.ts";
import { showStart } from "./start.ts";
import { streamInstance, streamJournal } from "./streams.ts";
import { transact } from "./transactions.ts";

/** All that a caller may ask, each once, with its types. */
export const operationsByName = {
  liveness,
  readiness,
  metrics,
  listMachines,
  showMachine,
  showDiagram,
  createInstance,
  listInstances,
  showInstance,
  sendEvent,
  transact,
  explainInstance,
  explainEvent,
  showJournal,
  showMoment,
  streamInstance,
  listJournal,
  streamJournal,
  listPending,
  retryPending,
  discardPending,
  listAttention,
  listOverview,
  verify,
  listAuditRows,
  verifyAudit,
  listNodes,
  showNode,
  enterMaintenance,
  exitMaintenance,
  abortMaintenance,
  retryMaintenance,
  cordonNode,
  uncordonNode,
  showFleet,
  applyFleet,
  showDeclaration,
  listRollouts,
  openRollout,
  showRollout,
  showRolloutPlan,
  listRolloutHosts,
  explainRolloutHost,
  listRolloutEvents,
  pauseRollout,
  resumeRollout,
  promoteRollout,
  approveRollout,
  cancelRollout,
  clearRollout,
  abortRollout,
  retryRollout,
  undoChannel,
  excuseHost,
  listQuarantines,
  clearQuarantine,
  showFreeze,
  freezeLine,
  thawLine,
  pollDispatch,
  reportEvents,
  showStart,
  showContract,
  showDocs,
  showInspect,
  showStyle,
  showScript,
};

export const operations: readonly Operation[] = Object.values(operationsByName);
