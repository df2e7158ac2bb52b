import { createRandom } from "./random.ts";

/** What will become of a host when a version is rolled out to it: drawn before anything happens. */
export interface Fate {
  /** How the new version fails on it; null: it runs well. */
  readonly fails: "activation" | "health" | null;
  /** Nothing is ever heard of it. */
  readonly isUnreachable: boolean;
  /** How long it takes to activate a version, the new one and the old one alike. In whole seconds. */
  readonly activationMs: number;
}

/** How hosts behave. Shares from 0 to 1. */
export interface Behaviour {
  readonly failureRate: number;
  readonly unreachable: number;
  readonly activationMs: { readonly from: number; readonly to: number };
}

/**
 * Each host has a stream of chance of its own: what befalls it depends on the seed and its name alone, not on the policy, the
 * budget or the order in which things happen. So two policies are compared on the same misfortunes.
 */
export function fateOf(host: string, seed: string, behaviour: Behaviour): Fate {
  const random = createRandom(`${seed}\n${host}`);
  const { failureRate, unreachable, activationMs } = behaviour;
  const isUnreachable = random.happens(unreachable);
  const isFaulty = random.happens(failureRate);
  const failsEarly = random.happens(0.5);
  const seconds = random.between(Math.ceil(activationMs.from / 1_000), Math.ceil(activationMs.to / 1_000));
  return {
    fails: isFaulty ? (failsEarly ? "activation" : "health") : null,
    isUnreachable,
    activationMs: seconds * 1_000,
  };
}
