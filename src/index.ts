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
