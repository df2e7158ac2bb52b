import fc from "fast-check";
import { expect, it } from "vitest";
import { createBudgetBook } from "../../src/fleet/budget-book.ts";

const host = fc.constantFrom("a", "b", "c", "d", "e");
const reason = fc.constantFrom("r1", "r2", " node");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("set" as const), host, reason, isOut: fc.boolean() }) },
  fc.record({
    do: fc.constant("declare" as const),
    rollout: fc.constantFrom("r1", "r2", "r3"),
    key: fc.constantFrom("all", "some"),
    hosts: fc.uniqueArray(host),
  }),
  fc.record({ do: fc.constant("withdraw" as const), rollout: fc.constantFrom("r1", "r2", "r3") }),
);

it("counts as one would count by hand, whatever is declared and whoever goes out and comes back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const book = createBudgetBook();
      const out = new Map<string, Set<string>>();
      const declared = new Map<string, { key: string; hosts: readonly string[] }>();

      for (const each of steps) {
        if (each.do === "declare") {
          book.declare(each.rollout, [{ key: each.key, max: 1, hosts: each.hosts }]);
          if (!declared.has(each.rollout)) declared.set(each.rollout, each);
        } else if (each.do === "withdraw") {
          book.withdraw(each.rollout);
          declared.delete(each.rollout);
        } else {
          book.setOut(each.host, each.reason, each.isOut);
          const reasons = out.get(each.host) ?? new Set();
          if (each.isOut) reasons.add(each.reason);
          else reasons.delete(each.reason);
          out.set(each.host, reasons);
        }
        for (const key of ["all", "some"]) {
          const lists = [...declared.values()].filter((budget) => budget.key === key).map(({ hosts }) => hosts);
          const hosts = [...new Set(lists.flat())];
          for (const rollout of ["r1", "r2", "r3"]) {
            const elsewhere = hosts.filter(
              (name) => (out.get(name)?.size ?? 0) > 0 && out.get(name)?.has(rollout) !== true,
            );
            expect(book.outElsewhere(key, rollout)).toBe(elsewhere.length);
          }
          for (const name of ["a", "b", "c", "d", "e"])
            expect(book.keysOf(name).includes(key)).toBe(hosts.includes(name));
        }
      }
    }),
  );
});
