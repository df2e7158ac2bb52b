/** The client of a Signalbox server, for browsers and Node.js. */
export { SignalboxError, type ErrorCode } from "../core/errors.ts";
export type { Refusal } from "../core/law.ts";
export type {
  DryRunView,
  ExplanationView,
  InstanceView,
  JournalEntryView,
  PendingView,
  SentEventView,
} from "../operations/answer-schemas.ts";
export type { HostExplanationView, RolloutHostView, RolloutView } from "../operations/rollout-schemas.ts";
export type { CallOptions } from "./call.ts";
export {
  createClient,
  type Client,
  type ClientOptions,
  type EventToSend,
  type ReadOptions,
} from "./client.ts";
export type { FollowLimits, FollowQuery } from "./follow.ts";
export type { RetryLimits } from "./retry.ts";
export type { AnswerTo, CallName, RequestOf } from "./types.ts";
