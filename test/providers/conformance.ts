import type { AnyEventObject } from "xstate";
import { describe, expect, it, type TestContext } from "vitest";
import type { Provider } from "../../src/core/provider.ts";
import { createCall } from "./create-call.ts";
import { until } from "./until.ts";

/** A provider of node maintenance with a node that has a replica and a daemon to drain, and another node beside it. */
export interface ProviderWorld {
  provider: Provider;
  node: string;
  /** Nothing new may be placed on that node any more, as when it is in maintenance. */
  close(node: string): void;
  closeAll(): void;
  /** The provider as it is after a restart. */
  restart(): Promise<Provider>;
}

const epoch = 3;
const drained = { replicas: [], daemons: [] };

/** What every provider of `drainNode`, `resumeNode` and `watchNode` promises. `make` cleans up after itself. */
export function providerConformance(name: string, make: (t: TestContext) => Promise<ProviderWorld>): void {
  describe.concurrent(`${name} as a provider of node maintenance`, () => {
    it("performs calls for its own nodes and leaves all others to somebody else", async (t) => {
      const { provider, node } = await make(t);

      expect(provider.performs?.("drainNode", { node, epoch })).toBe(true);
      for (const input of [
        { node: "not-mine", epoch },
        { node: "constructor" },
        {},
        { node: 1 },
        null,
        undefined,
        "alpha",
      ]) {
        expect(provider.performs?.("drainNode", input)).toBe(false);
      }
    });

    it("reports what is on the node first, then ends with nothing left", async (t) => {
      const { provider, node, close } = await make(t);
      close(node);

      const { outcome, reports } = perform(provider, "drainNode", node);

      expect(await outcome).toEqual(drained);
      expect(reports[0]).toMatchObject({ type: "drain.progressed" });
      expect(reports[0]).not.toMatchObject(drained);
      expect(reports.at(-1)).toMatchObject(drained);
      expectSound(reports);
    });

    it("drains again, under the same key, what is drained already", async (t) => {
      const { provider, node, close, restart } = await make(t);
      close(node);
      await perform(provider, "drainNode", node).outcome;

      expect(await perform(provider, "drainNode", node).outcome).toEqual(drained);
      expect(await perform(await restart(), "drainNode", node).outcome).toEqual(drained);
    });

    it("keeps trying what cannot be drained, says why, and ends when it is withdrawn", async (t) => {
      const { provider, node, closeAll } = await make(t);
      closeAll();
      const { outcome, reports, withdraw } = perform(provider, "drainNode", node);
      let hasEnded = false;
      void outcome.then(() => (hasEnded = true));
      await until("the reason is told", () => Object.keys(reports.at(-1)?.reasons ?? {}).length > 0);

      expect(hasEnded).toBe(false);
      withdraw();
      await outcome;

      expect(Object.keys(reports.at(-1)?.reasons)).toEqual(reports.at(-1)?.replicas);
      expectSound(reports);
    });

    it("brings back what was drained, and never reports to wait for nothing", async (t) => {
      const { provider, node, close } = await make(t);
      close(node);
      await perform(provider, "drainNode", node).outcome;

      const { outcome, reports } = perform(provider, "resumeNode", node);

      expect(await outcome).toEqual({});
      expect(reports.length).toBeGreaterThan(0);
      for (const report of reports) {
        expect(report).toMatchObject({ type: "daemons.progressed" });
        expect(report.waiting).not.toEqual([]);
      }
      expectSound(reports);
      expect(await firstLook(provider, node)).not.toMatchObject(drained);
    });

    it("resumes again what is there already", async (t) => {
      const { provider, node } = await make(t);

      expect(await perform(provider, "resumeNode", node).outcome).toEqual({});
      expect(await perform(provider, "resumeNode", node).outcome).toEqual({});
    });

    it("watches until it is withdrawn, which is no failure", async (t) => {
      const { provider, node, close } = await make(t);
      const watch = perform(provider, "watchNode", node);
      await until("it has looked", () => watch.reports.length === 1);
      close(node);
      await perform(provider, "drainNode", node).outcome;
      await until("it sees the node drained", () => watch.reports.at(-1)?.replicas.length === 0);
      await until("it sees the node drained", () => watch.reports.at(-1)?.daemons.length === 0);

      watch.withdraw();

      expect(await watch.outcome).toBeUndefined();
      expectSound(watch.reports);
    });

    it("ends at once when the call was withdrawn before", async (t) => {
      const { provider, node } = await make(t);

      for (const activity of ["drainNode", "resumeNode", "watchNode"]) {
        const { call, reports, withdraw } = createCall();
        withdraw();
        await performWith(provider, activity, node, call).catch(() => undefined);
        expect(reports).toEqual([]);
      }
      expect(await firstLook(provider, node)).not.toMatchObject(drained);
    });
  });
}

function perform(provider: Provider, activity: string, node: string) {
  const test = createCall();
  return { ...test, outcome: performWith(provider, activity, node, test.call).catch((error: unknown) => error) };
}

function performWith(provider: Provider, activity: string, node: string, call: unknown): Promise<unknown> {
  const performed = provider.activities[activity] as (input: unknown, call: unknown) => Promise<unknown>;
  return performed({ node, epoch }, call);
}

async function firstLook(provider: Provider, node: string): Promise<AnyEventObject | undefined> {
  const { outcome, reports, withdraw } = perform(provider, "watchNode", node);
  await until("it has looked", () => reports.length > 0);
  withdraw();
  await outcome;
  return reports[0];
}

/** Every report is of this window, and none says again what the last one said. */
function expectSound(reports: readonly AnyEventObject[]): void {
  const texts = reports.map((report) => JSON.stringify(report));
  expect(reports.every((report) => report.epoch === epoch)).toBe(true);
  expect(texts.some((text, i) => text === texts[i + 1])).toBe(false);
}
