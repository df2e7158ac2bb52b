import { setImmediate as turnOfOthers } from "node:timers/promises";
import type { Engine } from "../engine/engine.ts";
import type { ControlPlane } from "../fleet/control-plane.ts";
import type { Store } from "../store/store.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** Whatever acts beside the engine: agents, people. */
export interface Actors {
  /** When somebody wants to act next; Infinity when nobody does. */
  nextAt(): number;
  /** Whether somebody wants to act now. */
  isWanted(): boolean;
  /** Lets everybody act who wants to now; whether anybody did. */
  act(): Promise<boolean>;
  /** Time has passed. */
  moved(): void;
}

/** An engine, a control plane and actors, moved from one event to the next. */
export interface World {
  /** Performs what is due now, and all that follows from it at once. */
  settle(): Promise<void>;
  /**
   * Moves to the next event that is not after `until`. `idle`: nothing has happened for long, and nothing will before then;
   * `over`: what comes next comes later.
   */
  advance(until: number): Promise<"moved" | "idle" | "over">;
}

const idleAfterMs = 3_600_000; // what is left then only wakes and does nothing: it waits for somebody

export function createWorld(given: {
  engine: Engine;
  control: Pick<ControlPlane, "settled">;
  store: Store;
  clock: SimulatedClock;
  actors: Actors;
}): World {
  const { engine, control, store, clock, actors } = given;
  let settledAt = 0; // the journal's position when everything was at rest
  let changedAt = clock.now(); // when something was written last

  async function settle(): Promise<void> {
    let position = await engine.position();
    for (let isBusy = true; isBusy; ) {
      const hasActed = (await performDue()) || (await actors.act());
      if (!hasActed) await control.settled();
      await turnOfOthers(); // whoever was woken begins
      const now = await engine.position();
      isBusy = hasActed || now !== position || actors.isWanted();
      position = now;
    }
    if (position !== settledAt) changedAt = clock.now();
    settledAt = position;
  }

  async function performDue(): Promise<boolean> {
    if ((await engine.runOnce()) === 0) return false;
    while ((await engine.runOnce()) > 0);
    return true;
  }

  /** A row that is due and was not performed waits for another one. */
  async function nextRowAt(): Promise<number> {
    const dueAt = await store.nextDueAt();
    if (dueAt === null) return Number.POSITIVE_INFINITY;
    return dueAt > clock.now() ? dueAt : clock.now() + 1_000;
  }

  return {
    settle,
    async advance(until) {
      const at = Math.min(actors.nextAt(), await nextRowAt());
      const wakeAt = clock.nextWakeAt();
      if (at > until && clock.now() - changedAt > idleAfterMs) return "idle";
      const next = Math.min(at, wakeAt);
      if (next > until) return until - changedAt > idleAfterMs ? "idle" : "over";
      clock.moveTo(next);
      actors.moved();
      await settle();
      return "moved";
    },
  };
}
