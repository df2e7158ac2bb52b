/** The public surface of Signalbox. */
export type { Activity, Call, Provider } from "./core/provider.ts";
export type { Clock } from "./core/clock.ts";
export type { Effect } from "./core/effect.ts";
export { SignalboxError, errorCatalogue, type ErrorCode } from "./core/errors.ts";
export type { Law, Laws, Refusal } from "./core/law.ts";
export { guardsOf } from "./core/law.ts";
export type { Machine, Sender, Snapshot } from "./core/machine.ts";
export { sentBy } from "./core/machine.ts";
export type { Instance, Move, Sent, WaitingFor } from "./core/outcome.ts";
export { activity, instanceActivity, message, type RetryPolicy } from "./core/activity.ts";
export { checkFitness, unfitnessOf, type Unfitness } from "./core/registration.ts";
export { start, step, type StampedEvent, type StepResult } from "./core/step.ts";
export { machines } from "../machines/index.ts";
export { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
export { maintenanceGroup } from "../machines/maintenance-group/maintenance-group.ts";
export {
  isNonActive,
  isSteadyMaintenance,
  isValidSuccessor,
  rank,
  sinceOf,
  type StateName,
} from "../machines/node-maintenance/successors.ts";
export {
  createEngine,
  type CreateOptions,
  type DryRun,
  type Engine,
  type EngineOptions,
  type Explanation,
  type SendOptions,
} from "./engine/engine.ts";
export type { DurableActor } from "./engine/actor.ts";
export type { FeedQuery } from "./engine/feed.ts";
export type { Limits } from "./engine/limits.ts";
export type { JournalEntry, JournalQuery, ListQuery, Page, PendingItem, PendingListQuery } from "./engine/reading.ts";
export type { TransactOptions } from "./engine/transact.ts";
export type { Verification } from "./engine/verify.ts";
export { createApp, type AppOptions } from "./http/app.ts";
export { systemClock } from "./providers/system-clock.ts";
export { virtualClock } from "./providers/virtual-clock.ts";
export { createProcessesProvider } from "./providers/processes/processes-provider.ts";
export { parseNodesFile } from "./providers/processes/nodes-file.ts";
export { memoryStore } from "./store/memory.ts";
export { sqliteStore } from "./store/sqlite/sqlite.ts";
export type { Store } from "./store/store.ts";
