import { fromPromise, type AnyEventObject, type NonReducibleUnknown, type PromiseActorLogic } from "xstate";

/** How often and how fast a failed call is performed again. Without one: 5 attempts, 1 s doubling up to 60 s. */
export interface RetryPolicy {
  /** Attempts in all before the machine hears of the failure; `Infinity` for ever. */
  attempts: number;
  /** Wait before the second attempt, doubled for each further one. */
  baseMs: number;
  /** The longest wait between two attempts. */
  maxMs: number;
}

export interface ActivityOptions {
  retry?: RetryPolicy;
  /** The call is not expected to end by itself: it runs until the state that made it is left. */
  untilWithdrawn?: boolean;
}

export const defaultRetry: RetryPolicy = { attempts: 5, baseMs: 1_000, maxMs: 60_000 };

const optionsKey = Symbol.for("signalbox.activity");

/** Work the outside world does for a machine: the machine names it and waits, a provider performs it. */
export function activity<Input extends NonReducibleUnknown, Output = void>(
  options: ActivityOptions = {},
): PromiseActorLogic<Output, Input> {
  const logic = fromPromise<Output, Input>(() => {
    throw new Error("An activity is performed by a provider, never by the machine");
  });
  return Object.assign(logic, { [optionsKey]: options });
}

/** The options an activity was declared with; undefined for logic that is no activity. */
export function activityOptions(logic: unknown): ActivityOptions | undefined {
  return typeof logic === "object" && logic !== null
    ? (logic as { [optionsKey]?: ActivityOptions })[optionsKey]
    : undefined;
}

/** The built-in activity `instance`: the child is created with the call, and its end is the call's outcome. */
export interface InstanceInput {
  machine: string;
  id: string;
  input: unknown;
}

/** The name under which a machine declares the built-in activity: `actors: { instance: instanceActivity() }`. */
export const instanceActivityName = "instance";

export function instanceActivity<Output = unknown>(): PromiseActorLogic<Output, InstanceInput> {
  return activity<InstanceInput, Output>({ untilWithdrawn: true });
}

/** What the named action `message` sends: one event to one other instance, once and in order. */
export interface Message {
  to: string;
  event: AnyEventObject;
}

/** For `setup({ actions: { message } })`: the step turns it into an effect, it does nothing itself. */
export function message(_args: unknown, _params: Message): void {}
