import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyEventObject } from "xstate";
import { host } from "../../machines/host/host.ts";
import { freeze, thaw } from "../../src/core/freeze.ts";
import type { Snapshot } from "../../src/core/machine.ts";
import { step, type StepResult } from "../../src/core/step.ts";
import { runs } from "../support/runs.ts";
import { hostHolds } from "./host-invariants.ts";
import { acknowledged, completed, contextOf, hostOf, minute, toldBy } from "./host-in-rollout.ts";
import { at, forEach, policy, sendingOf, sendings, soaking, soakMs } from "./host-sequences.ts";

describe("whatever is sent, again, late or in another order", () => {
  it("each step keeps what holds of a host, and survives being stored", () => {
    fc.assert(
      fc.property(soakMs, policy, sendings, (soakMs, policy, all) => {
        const web = hostOf({ soakMs, policy });
        forEach(web, all, (before, event, result) => {
          hostHolds({ before, result });
          expect(afterStorage(before, event)).toEqual(comparable(result));
        });
      }),
      { numRuns: runs(200) },
    );
  });

  it("a host converges only when it runs the target, has soaked, and every enforced probe was seen to pass", () => {
    let convergences = 0;
    fc.assert(
      fc.property(soakMs, fc.array(sendingOf(soaking), { maxLength: 20 }), (soakMs, all) => {
        const web = hostOf({ soakMs });
        const known = createWitness(soakMs);
        forEach(web, [at(acknowledged()), at(completed), ...all], (_before, event, result) => {
          if (result.outcome === "refused") return;
          known.hear(event);
          if (event.type !== "host.converged") return;
          convergences += 1;
          expect(known.faults(event)).toEqual([]);
        });
      }),
      { numRuns: 500, seed: 7 },
    );
    expect(convergences).toBeGreaterThan(100);
  });

  it("what a rollout is told forms a chain, and ends in what the host counts as", () => {
    fc.assert(
      fc.property(sendings, (all) => {
        const web = hostOf();
        forEach(web, all, () => undefined);

        const told = ["Pending > Pending", ...toldBy(web)].map((change) => change.split(" > "));
        const breaks = told.slice(1).filter(([from], index) => from !== told[index]?.[1]);

        expect(breaks).toEqual([]);
        expect(told.at(-1)?.[1]).toBe(contextOf(web).countedAs);
      }),
      { numRuns: runs(200) },
    );
  });

  it("nothing is activated or rolled back twice at the same time", () => {
    fc.assert(
      fc.property(sendings, (all) => {
        const web = hostOf();
        forEach(web, all, () => {
          const acting = [...web.calls.keys()].filter((id) => ["activate", "awaitReboot", "rollBack"].includes(id));
          expect(acting.length).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 200 },
    );
  });
});

function afterStorage(before: Snapshot, event: AnyEventObject & { at: number }) {
  const stored = JSON.parse(JSON.stringify(freeze(before))) as ReturnType<typeof freeze>;
  return comparable(step(host, thaw(host, stored), event));
}

function comparable(result: StepResult) {
  return { ...result, snapshot: freeze(result.snapshot) };
}

/** Judges a convergence by what was accepted before it, without looking at the chart's context. */
function createWitness(soakMs: number) {
  const modes = new Map<string, string>();
  const last = new Map<string, string>();
  let soakDueAt = Number.POSITIVE_INFINITY;
  let version: unknown;

  function hear(event: AnyEventObject & { at: number }): void {
    if (event.type === "activation.completed") {
      version = event["observedVersion"];
      soakDueAt = believed(event) + soakMs;
    } else if (event.type === "soak.waived") soakDueAt = 0;
    else if (event.type === "probes.declared") {
      const declared = event["probes"] as { name: string; mode: string }[];
      for (const name of [...modes.keys()].filter((each) => !declared.some((probe) => probe.name === each))) {
        modes.delete(name);
        last.delete(name);
      }
      for (const { name, mode } of declared) modes.set(name, mode);
    } else if (event.type === "probe.reported") {
      const name = event["name"] as string;
      if (!modes.has(name)) modes.set(name, event["mode"] as string);
      last.set(name, event["status"] as string);
    }
  }

  function faults(event: AnyEventObject & { at: number }): string[] {
    const enforced = [...modes].flatMap(([name, mode]) => (mode === "enforce" ? [name] : []));
    return [
      ...(version === "v2" && event["version"] === "v2" ? [] : ["another version runs"]),
      ...(believed(event) >= soakDueAt ? [] : ["it has not soaked"]),
      ...enforced.flatMap((name) => (last.get(name) === "pass" ? [] : [`${name}: ${last.get(name) ?? "not seen"}`])),
    ];
  }

  return { hear, faults };
}

/** A clock that is more than five minutes ahead is believed five. */
function believed(event: AnyEventObject & { at: number }): number {
  return Math.min((event["observedAt"] as number | undefined) ?? event.at, event.at + 5 * minute);
}
