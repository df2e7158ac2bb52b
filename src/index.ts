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
export { host } from "../machines/host/host.ts";
export { maintenanceGroup } from "../machines/maintenance-group/maintenance-group.ts";
export { rollout } from "../machines/rollout/rollout.ts";
export { parseRolloutId } from "../machines/rollout/rollout-id.ts";
export { isTerminalForOrdering } from "../machines/rollout/states.ts";
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
export {
  createControlPlane,
  defaultFleetLimits,
  type ControlPlaneOptions,
} from "./fleet/create-control-plane.ts";
export type { FleetLimits } from "./fleet/running.ts";
export type {
  AgentOrder,
  Application,
  ControlPlane,
  HostExplanation,
  HostRecord,
  KnownRollout,
  Opened,
  OpenOrder,
  RolloutRecord,
} from "./fleet/control-plane.ts";
export type { DeclarationFault, DeclarationSource } from "./fleet/declaration-watch.ts";
export type { Authenticate, Identity } from "./http/authentication.ts";
export { listen, type Listening, type ListenOptions, type ServerLimits } from "./http/server.ts";
export { authenticateByTokens } from "./http/token-authentication.ts";
export { describeSimulation } from "./simulation/describe-simulation.ts";
export { simulate, type Simulation, type SimulationProgress } from "./simulation/simulate.ts";
export type { AskedSettings, Settings } from "./simulation/settings.ts";
export type { RolloutOutcome, RunOutcome, Spread } from "./simulation/outcome.ts";
export { createInspector, type Inspector, type InspectorOptions } from "./stately/inspector.ts";
export type { FleetDifference } from "./planning/difference.ts";
export { differenceOf } from "./planning/difference.ts";
export type { Fleet } from "./planning/fleet.ts";
export { warningsOf } from "./planning/fleet-warnings.ts";
export { freezePlan, type FreezeOrder } from "./planning/freeze-plan.ts";
export type { FrozenPlan } from "./planning/frozen-plan.ts";
export { plan } from "./planning/plan.ts";
export type {
  Decision,
  FleetFacts,
  GateVerdict,
  Plan,
  PlanInput,
  PlannedHost,
  PlannedMove,
  PlannedRollout,
} from "./planning/plan-types.ts";
export { createPlanner, type Planner, type PlannerFacts } from "./planning/planner.ts";
export { parseFleet } from "./planning/parse-fleet.ts";
export { parseFleetText } from "./planning/parse-fleet-text.ts";
export { steadyClock, systemClock } from "./providers/system-clock.ts";
export { virtualClock } from "./providers/virtual-clock.ts";
export { createProcessesProvider } from "./providers/processes/processes-provider.ts";
export { parseNodesFile } from "./providers/processes/nodes-file.ts";
export { memoryStore } from "./store/memory.ts";
export { sqliteStore } from "./store/sqlite/sqlite.ts";
export type { Store } from "./store/store.ts";
export { createMetrics, type Metrics } from "./telemetry/metrics.ts";
export { createTracing, type Tracing } from "./telemetry/tracing.ts";
