import type { AnyEventObject } from "xstate";
import type { Move, Sent } from "./outcome.ts";

/** What an activity knows of the call it performs. */
export interface Call {
  /** Stable over retries and restarts: the idempotency key for whatever the activity touches. */
  readonly key: string;
  /** The instance that called. */
  readonly instance: string;
  /** Aborted when the chart withdraws the call, and when the runner stops. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** W3C traceparent of the request that led here; to be passed on to what the activity asks of others. */
  readonly traceparent?: string;
  /** Sends an event to the calling instance, as long as the call is pending. Does not end the call. */
  report(event: AnyEventObject): Promise<Sent>;
  /** Commits moves on any instances, as long as the call is pending. Does not end the call. */
  transact(moves: readonly Move[]): Promise<Sent[]>;
  /** The same for activities that are part of Signalbox: events of the engine are let through. */
  transactAsEngine(moves: readonly Move[]): Promise<Sent[]>;
}

/**
 * Performs one call. What it returns is the call's output; what it throws is retried by the policy of the activity, and
 * then is its error, unless the error says `retryable: false`. After `signal` is aborted whatever it does is of no account.
 * May be performed again under the same key after a crash, so it must know what it has already done.
 */
export type Activity<Input = never, Output = unknown> = (input: Input, call: Call) => Promise<Output>;

/** Performs activities by name. */
export interface Provider {
  readonly name: string;
  readonly activities: Readonly<Record<string, Activity>>;
  /** Whether this one performs that call; when no provider does, the call is manual. All of its own when not given. */
  performs?(activity: string, input: unknown): boolean;
}
