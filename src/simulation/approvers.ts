import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { Engine } from "../engine/engine.ts";

/** One person's approval of a wave, to be given at its time. */
export interface Approval {
  readonly rolloutId: string;
  readonly by: string;
}

/** People who approve what asks for it, each wave after the same time and by as many of them as it takes. */
export function createApprovers(given: {
  engine: Engine;
  /** null: nobody ever approves. */
  afterMs: number | null;
  later(delayMs: number, approval: Approval): void;
}) {
  const { engine, afterMs, later } = given;
  const asked = new Set<string>(); // rollouts whose approvals are on their way

  return {
    /** Looks which of these rollouts wait for an approval; whether there was one. */
    async look(rolloutIds: readonly string[]): Promise<boolean> {
      if (afterMs === null) return false;
      let isAsked = false;
      for (const rolloutId of rolloutIds) {
        const { value, context } = await engine.read(rolloutId);
        const isWaiting = (value as { control?: unknown }).control === "AwaitingApproval";
        if (!isWaiting) asked.delete(rolloutId);
        if (!isWaiting || asked.has(rolloutId)) continue;
        asked.add(rolloutId);
        isAsked = true;
        const most = Math.max(...(context as RolloutContext).rules.map(({ approvals }) => approvals));
        for (let person = 1; person <= most; person += 1) later(afterMs, { rolloutId, by: `approver-${person}` });
      }
      return isAsked;
    },

    /** One that is not needed any more is refused, and nothing is lost. */
    async approve({ rolloutId, by }: Approval): Promise<void> {
      await engine.send(rolloutId, { type: "wave.approve" }, { principal: by });
    },
  };
}
