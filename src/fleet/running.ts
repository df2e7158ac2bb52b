import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import { createAttendance } from "./attendance.ts";
import { createDirector } from "./director.ts";
import { isOver } from "./facts.ts";
import { createFleetIndex, type Change, type RolloutEntry } from "./fleet-index.ts";
import { createFollower } from "./follower.ts";
import { createHolders } from "./holders.ts";
import { createJoining } from "./joining.ts";
import { createNotices } from "./notices.ts";
import { createOrders } from "./orders.ts";
import { createPlanners } from "./planners.ts";
import { createPlans } from "./plans.ts";
import { concernedBy } from "./rearming.ts";
import { createRecords } from "./records.ts";
import { createRequests } from "./requests.ts";
import { createSerial } from "./serial.ts";
import { createWakes } from "./wakes.ts";

/** Every limit of the control plane by name. */
export interface FleetLimits {
  /** How long an agent may be silent before it is taken for unreachable: longer than one long poll and its retry. */
  absentAfterMs: number;
}

/** A control plane between its start and its stop. */
export type Running = ReturnType<typeof createRunning>;

/** Puts the parts together. Nothing is read before `start`. */
export function createRunning(given: { engine: Engine; clock: Clock; steady: Clock; log: Log; limits: FleetLimits }) {
  const { engine, clock, steady, log, limits } = given;
  const index = createFleetIndex(changed);
  const plans = createPlans(engine);
  const planners = createPlanners(index);
  const notices = createNotices({ engine, clock, log });
  const attendance = createAttendance({ index, notices, clock: steady, absentAfterMs: limits.absentAfterMs });
  const { isHeard } = attendance;
  const holders = createHolders({ isHeard, clock, steady, log, absentAfterMs: limits.absentAfterMs });
  const wakes = createWakes();
  const inTurn = createSerial();
  const follower = createFollower({ engine, index, plans, clock, log });
  const joining = createJoining({ engine, index, plans, inTurn });
  const requests = createRequests({ engine, index, follower, plans, joining, attendance, clock, log });
  let isFollowing = false;

  /** In this order: whoever is told last may ask those before. */
  function changed(change: Change): void {
    planners.changed(change);
    attendance.changed(change);
    if (change.kind === "host") wakes.wake(change.after.host);
    if (isFollowing) for (const id of concernedBy(change, index)) askToPlan(id);
  }

  function askToPlan(rolloutId: string): void {
    notices.tell(rolloutId, { type: "plan.requested" });
  }

  const running = {
    index,
    attendance,
    holders,
    wakes,
    requests,
    planRollout: createDirector({ engine, index, follower, plans, planners, inTurn, clock, log }),
    ...createOrders({ engine, index, joining }),
    records: createRecords({ engine, index, plans, planners, now: clock.now }),

    /** With everything that is committed in the index. */
    async current() {
      await follower.reached(await engine.position());
      return running;
    },

    async settled(): Promise<void> {
      for (let position = -1; position !== (await engine.position()); ) {
        position = await engine.position();
        await follower.reached(position);
        await notices.told();
      }
    },

    async start(): Promise<void> {
      attendance.start();
      await follower.start();
      isFollowing = true;
      for (const entry of index.rollouts.values()) if (isToBePlanned(entry)) askToPlan(entry.facts.id);
    },

    async stop(): Promise<void> {
      await requests.stop();
      await Promise.all([follower.stop(), attendance.stop(), notices.stop()]);
    },
  };
  return running;
}

/** At a start nobody knows what has changed; but with one that is over and at rest nothing is to be done before its time. */
function isToBePlanned({ facts, isComplete }: RolloutEntry): boolean {
  if (facts.context.planHash === null) return false;
  return isComplete || !isOver(facts.state);
}
