import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { netEffects, type Effect } from "../../src/core/effect.ts";

describe("net effects", () => {
  const arm = (id: string, about?: string): Effect => ({
    kind: "timer",
    id,
    delayMs: 1,
    event: { type: "late", about },
  });
  const withdraw = (id: string): Effect => ({ kind: "withdraw", id });

  it("are nothing of what was armed and withdrawn", () => {
    expect(netEffects([arm("a"), arm("b"), withdraw("a")])).toEqual([arm("b")]);
  });

  it("are two, in order, when an older row is withdrawn and one of the same id armed", () => {
    expect(netEffects([withdraw("a"), arm("a")])).toEqual([withdraw("a"), arm("a")]);
  });

  it("are the older row's withdrawal when its successor is withdrawn too", () => {
    expect(netEffects([withdraw("a"), arm("a"), withdraw("a")])).toEqual([withdraw("a")]);
  });

  it("are the later one of two that were armed under one id, and nothing of either when it is withdrawn", () => {
    expect(netEffects([arm("a", "first"), arm("a", "second")])).toEqual([arm("a", "second")]);
    expect(netEffects([arm("a", "first"), arm("a", "second"), withdraw("a")])).toEqual([]);
  });

  it("keep messages and emitted events, in order", () => {
    const said: Effect[] = [
      { kind: "message", to: "x", event: { type: "one" } },
      { kind: "emitted", event: { type: "two" } },
      { kind: "message", to: "x", event: { type: "one" } },
    ];

    expect(netEffects(said)).toEqual(said);
  });

  it("leave the pending rows as the whole list does, and hold no row and its withdrawal at once", () => {
    const ids = ["a", "b", "c"];
    const effect = fc.oneof(
      fc.record({
        kind: fc.constant("call" as const),
        id: fc.constantFrom(...ids),
        activity: fc.string(),
        input: fc.nat(),
      }),
      fc.tuple(fc.constantFrom(...ids), fc.string()).map(([id, about]) => arm(id, about)),
      fc.constantFrom(...ids).map(withdraw),
      fc.string().map((type): Effect => ({ kind: "emitted", event: { type } })),
    );
    fc.assert(
      fc.property(fc.subarray(ids), fc.array(effect, { maxLength: 12 }), (pending, drawn) => {
        const effects = withdrawingFirst(pending, drawn);
        const older = new Map(pending.map((id): [string, Effect] => [id, arm(id, "older")]));

        const net = netEffects(effects);

        expect(performed(older, net)).toEqual(performed(older, effects));
        expect(net.filter(({ kind }) => kind === "emitted")).toEqual(effects.filter(({ kind }) => kind === "emitted"));
        expect(netEffects(net)).toEqual(net);
        for (const id of ids) {
          const words = net.filter((each) => "id" in each && each.id === id).map(({ kind }) => kind === "withdraw");
          expect([[], [true], [false], [true, false]]).toContainEqual(words);
        }
      }),
    );
  });

  /** A chart arms an id that is pending only after it has withdrawn it. */
  function withdrawingFirst(pending: readonly string[], effects: readonly Effect[]): Effect[] {
    const armedFirst = pending.filter((id) => {
      const first = effects.find((effect) => "id" in effect && effect.id === id);
      return first !== undefined && first.kind !== "withdraw";
    });
    return [...armedFirst.map(withdraw), ...effects];
  }

  /** The naive model: rows by id. */
  function performed(rows: ReadonlyMap<string, Effect>, effects: readonly Effect[]): Map<string, Effect> {
    const after = new Map(rows);
    for (const effect of effects) {
      if (effect.kind === "withdraw") after.delete(effect.id);
      else if ("id" in effect) after.set(effect.id, effect);
    }
    return after;
  }
});
