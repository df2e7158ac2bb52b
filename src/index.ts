/** The public surface of Signalbox. */
export type { Activity, Call, Provider } from "./core/provider.ts";
export type { Clock } from "./core/clock.ts";
export type { Effect } from "./core/effect.ts";
export { SignalboxError, errorCatalogue, type ErrorCode } from "./core/errors.ts";
export type { Law, Laws, Refusal } from "./core/law.ts";
export { guardsOf } from "./core/law.ts";
export type { EventSchemas, EventsOf, ExampleEvent, Machine, Sender, Snapshot } from "./core/machine.ts";
export { approval, sentBy } from "./core/machine.ts";
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
export type { CallBegun, CallEnd, Observer, SendBegun, SendEnd, Watch } from "./engine/observer.ts";
export type { JournalEntry, JournalQuery, ListQuery, Page, PendingItem, PendingListQuery } from "./engine/reading.ts";
export type { TransactOptions } from "./engine/transact.ts";
export type { Moment } from "./engine/history.ts";
export type { Verification } from "./engine/verify.ts";
export type { Audit } from "./engine/audit.ts";
export type { ChainContent, ChainHead } from "./store/chain.ts";
export type { ChainFault, ChainQuery, ChainReport } from "./store/check-chain.ts";
export { checkExport, checkExportFile, type ChainExportRow } from "./store/check-export.ts";
export { backUp, restore } from "./store/sqlite/backup.ts";
export { createApp, type AppOptions } from "./http/app.ts";
export type { Authenticate, Identity } from "./http/authentication.ts";
export { listen, type Listening, type ListenOptions, type ServerLimits } from "./http/server.ts";
export { authenticateByTokens } from "./http/token-authentication.ts";
export { createInspector, type Inspector, type InspectorOptions } from "./stately/inspector.ts";
export { systemClock } from "./providers/system-clock.ts";
export { virtualClock } from "./providers/virtual-clock.ts";
export { createProcessesProvider } from "./providers/processes/processes-provider.ts";
export { parseNodesFile } from "./providers/processes/nodes-file.ts";
export { memoryStore } from "./store/memory.ts";
export { sqliteStore } from "./store/sqlite/sqlite.ts";
export type { Store } from "./store/store.ts";
export { createMetrics, type Metrics } from "./telemetry/metrics.ts";
export { createTracing, type Tracing } from "./telemetry/tracing.ts";
