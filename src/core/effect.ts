import type { AnyEventObject } from "xstate";

/** What the world is to do after a step. The engine writes it down in the commit of the step, the runner performs it. */
export type Effect =
  | { kind: "call"; id: string; activity: string; input: unknown }
  | { kind: "timer"; id: string; delayMs: number; event: AnyEventObject }
  | { kind: "message"; to: string; event: AnyEventObject }
  | { kind: "emitted"; event: AnyEventObject }
  | { kind: "withdraw"; id: string };

/**
 * What is left of a macrostep's effects, in order: what it armed and withdrew again is gone; the withdrawal of an older
 * row stays, also before one of the same id is armed; of two that were armed under one id the later one counts.
 */
export function netEffects(effects: readonly Effect[]): Effect[] {
  const kept: Effect[] = [];
  for (const effect of effects) {
    const armed = "id" in effect ? kept.findIndex((earlier) => isArmed(earlier) && earlier.id === effect.id) : -1;
    if (armed >= 0) kept.splice(armed, 1);
    if (effect.kind !== "withdraw" || (armed < 0 && !isWithdrawn(kept, effect.id))) kept.push(effect);
  }
  return kept;
}

function isWithdrawn(effects: readonly Effect[], id: string): boolean {
  return effects.some((effect) => effect.kind === "withdraw" && effect.id === id);
}

function isArmed(effect: Effect): effect is Extract<Effect, { kind: "call" | "timer" }> {
  return effect.kind === "call" || effect.kind === "timer";
}
