import { expect, it } from "vitest";
import { codesOf, reasonsOf, rolloutOf } from "./rollout-steps.ts";

const approve = (principal: string, wave?: number) => ({
  type: "wave.approve",
  principal,
  ...(wave !== undefined && { wave }),
});
const everyWave = { waves: [1, 1], waveRules: [{ approvals: 1 }, { approvals: 1 }] };

it("two who approve at the same time approve the wave that waits, and not the one after it unseen", () => {
  const rollout = rolloutOf(everyWave);

  const first = rollout.send(approve("ann"));
  const second = rollout.send(approve("bob"));

  expect(first.outcome).toBe("changed");
  expect(reasonsOf(second)).toEqual([
    {
      code: "no-approval-needed",
      detail: "In stable@v2 no wave waits for an approval.",
      hint: "name wave 2 of 2 to approve it ahead of its turn",
    },
  ]);
  expect(rollout.context.approvals).toEqual({ 0: [{ by: "ann", at: 0 }] });
});

it("an approval without a number is for the next wave as soon as the current one has settled", () => {
  const rollout = rolloutOf(everyWave);
  rollout.send(approve("ann"));
  rollout.join(0);
  const early = rollout.send(approve("bob"));
  rollout.walk(0, "Pending", "Activating", "Soaking", "Converged");

  const inTurn = rollout.send(approve("bob"));

  expect([codesOf(early), inTurn.outcome]).toEqual([["no-approval-needed"], "changed"]);
  expect(rollout.context.approvals[1]).toEqual([{ by: "bob", at: 0 }]);
});
