import { activityOptions, defaultRetry, type ActivityOptions } from "../core/activity.ts";
import { messageOf } from "../core/errors.ts";
import { actorLogicOf } from "../core/machine.ts";
import type { Activity, Call, Provider } from "../core/provider.ts";
import type { PendingRow } from "../store/store.ts";
import type { Performs } from "./move.ts";
import type { Machine } from "../core/machine.ts";
import { unseal, type ResolveSecret, type Unsealed } from "./secrets.ts";

/** The provider that performs a call; the first one that says so. */
export function providerOf(providers: readonly Provider[], activity: string, input: unknown): Provider | undefined {
  return providers.find(
    (provider) => Object.hasOwn(provider.activities, activity) && (provider.performs?.(activity, input) ?? true),
  );
}

export function performsOf(providers: readonly Provider[]): Performs {
  return (activity, input) => providerOf(providers, activity, input) !== undefined;
}

/** How a call ended, as the event that its machine hears. */
export type Outcome =
  | { kind: "ended"; event: { type: string } & Record<string, unknown> }
  | { kind: "failed"; error: string; isRetryable: boolean; event: { type: string } & Record<string, unknown> };

/** Performs one attempt. Never rejects: what an activity throws is its outcome. */
export async function performCall(
  row: PendingRow,
  provider: Provider,
  call: Call,
  resolveSecret: ResolveSecret,
): Promise<Outcome> {
  const perform = provider.activities[row.activity ?? ""] as Activity<unknown> | undefined;
  let seal: Unsealed["seal"] = (value) => value;
  try {
    if (perform === undefined) throw new Error(`${provider.name} has no activity ${row.activity}`);
    const unsealed = await unseal(JSON.parse(row.payload), resolveSecret);
    ({ seal } = unsealed);
    const output = seal(storable(await perform(unsealed.input, sealedCall(call, seal))));
    return { kind: "ended", event: { type: `xstate.done.actor.${row.id}`, output, actorId: row.id } };
  } catch (error) {
    return seal(failureOf(row.id, error));
  }
}

/** What an activity says on its way must not carry its secrets either. */
function sealedCall(call: Call, seal: Unsealed["seal"]): Call {
  return {
    ...call,
    report: (event) => call.report(seal(event)),
    transact: (moves) => call.transact(seal(moves)),
    transactAsEngine: (moves) => call.transactAsEngine(seal(moves)),
  };
}

/** How a call ends whose outcome its machine cannot be told. */
export function failureOf(id: string, error: unknown): Outcome {
  const described = describe(error);
  return {
    kind: "failed",
    error: described.message,
    isRetryable: described.isRetryable,
    event: {
      type: `xstate.error.actor.${id}`,
      error: { message: described.message, ...(described.code !== undefined && { code: described.code }) },
      actorId: id,
    },
  };
}

/** As the journal will have it, so that a replay meets the same value. */
function storable(output: unknown): unknown {
  return output === undefined ? null : (JSON.parse(JSON.stringify(output) ?? "null") as unknown);
}

const messageLengthMax = 2_000; // a sentence and a stack; whoever throws a whole page is cut short

/** What was thrown, whatever it is: also something that has no text, or whose fields throw. */
function describe(error: unknown): { message: string; code?: string; isRetryable: boolean } {
  try {
    const { code, retryable } = (error ?? {}) as { code?: unknown; retryable?: unknown };
    const message = messageOf(error).slice(0, messageLengthMax).toWellFormed();
    return { message, ...(typeof code === "string" && { code }), isRetryable: retryable !== false };
  } catch {
    return { message: "something was thrown that cannot be described", isRetryable: true };
  }
}

export function retryOf(options: ActivityOptions) {
  return options.retry ?? defaultRetry;
}

/** What the machine declared of an activity. */
export function optionsOf(machine: Machine, activity: string | null): ActivityOptions {
  return activityOptions(actorLogicOf(machine.chart, activity ?? "")) ?? {};
}
