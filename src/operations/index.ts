import { liveness, readiness } from "./health.ts";
import {
  createInstance,
  explainEvent,
  explainInstance,
  listInstances,
  sendEvent,
  showInstance,
  showJournal,
  transact,
  verify,
} from "./instances.ts";
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
import { discardPending, listPending, retryPending } from "./pending.ts";

/** All that a caller may ask, each once. */
export const operations: readonly Operation[] = [
  liveness,
  readiness,
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
  listPending,
  retryPending,
  discardPending,
  verify,
  listNodes,
  showNode,
  enterMaintenance,
  exitMaintenance,
  abortMaintenance,
  retryMaintenance,
  cordonNode,
  uncordonNode,
];
