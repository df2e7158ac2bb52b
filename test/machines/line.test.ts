import { describe, expect, it } from "vitest";
import { line, type LineContext } from "../../machines/line/line.ts";
import { createWorld } from "../support/world.ts";
import { reasonsOf } from "./rollout-steps.ts";
import { timelineOf } from "./timeline.ts";

const freeze = { type: "line.freeze", principal: "ann", reason: "a bad firmware" };
const dispatch = { type: "dispatch.planned", principal: "provider:planRollout" };

describe("the line", () => {
  it("counts each decision to dispatch, so that two of them cannot be made on the same version", async () => {
    const { engine } = createWorld({ machines: [line] });
    await engine.create({ machine: "line", id: "line", input: {} });
    const asPlanner = () =>
      engine.transactAsEngine([
        { id: "line", event: { type: "dispatch.planned" }, expectedVersion: 1, sender: "engine" },
      ]);

    const outcomes = await Promise.allSettled([asPlanner(), asPlanner()]);

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const rejected = outcomes.find(({ status }) => status === "rejected");
    expect(rejected).toMatchObject({ reason: { code: "version-mismatch" } });
    expect((await engine.read("line")).context).toMatchObject({ decisions: 1 });
  });

  it("that is stopped refuses dispatch, and says who stopped it and why", () => {
    const stopped = timelineOf(line, {});
    stopped.pass(1_000);
    stopped.send(freeze);

    const refused = stopped.send(dispatch);

    expect(reasonsOf(refused)).toEqual([
      {
        code: "frozen",
        detail: "ann has stopped the line: a bad firmware. Nothing is dispatched.",
        data: { by: "ann", reason: "a bad firmware", at: 1_000 },
        hint: "line.thaw",
      },
    ]);
    expect(line.notes?.(stopped.snapshot.context as never, stopped.state)).toEqual(["stopped by ann: a bad firmware"]);
  });

  it("that is stopped lets an undo pass", () => {
    const stopped = timelineOf(line, {});
    stopped.send(freeze);

    const passed = stopped.send({ ...dispatch, isUndo: true });

    expect([passed.outcome, (stopped.snapshot.context as LineContext).decisions]).toEqual(["changed", 1]);
  });

  it("is stopped once, by the first who stops it, and runs again when somebody thaws it", () => {
    const stopped = timelineOf(line, {});

    const outcomes = [
      stopped.send({ type: "line.thaw", principal: "ann" }),
      stopped.send({ type: "line.freeze", principal: "ann" }),
      stopped.send({ ...freeze, principal: "bob" }),
    ].map(({ outcome }) => outcome);
    const held = stopped.snapshot.context as LineContext;
    stopped.send({ type: "line.thaw", principal: "bob" });

    expect(outcomes).toEqual(["unchanged", "changed", "unchanged"]);
    expect(held.stopped).toEqual({ by: "ann", reason: null, at: 0 });
    expect([stopped.state, stopped.send(dispatch).outcome]).toEqual(["Running", "changed"]);
  });
});
