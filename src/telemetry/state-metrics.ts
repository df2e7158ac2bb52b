import { Gauge, type Registry } from "@prometheus-io/client";
import type { Engine } from "../engine/engine.ts";

/** What is asked of the engine at each scrape. A store that fails leaves gaps: an old figure would look like a true one. */
export function createStateMetrics(
  registry: Registry,
  engine: Pick<Engine, "countPending" | "lagMs" | "isReadOnly">,
): void {
  const pending = new Gauge({
    name: "signalbox_pending",
    help: "What is to happen, by kind (call, timer, message) and state; dead ones wait for somebody to retry or discard them.",
    labelNames: ["kind", "state"],
    registers: [],
    async collect() {
      this.reset();
      for (const { kind, state, count } of (await known(engine.countPending())) ?? []) this.set({ kind, state }, count);
    },
  });
  const readOnly = new Gauge({
    name: "signalbox_read_only",
    help: "1 while nothing is written because the store has run out of space.",
    registers: [],
    collect() {
      this.set(engine.isReadOnly() ? 1 : 0);
    },
  });
  const lag = new Gauge({
    name: "signalbox_runner_lag_seconds",
    help: "How long what is due has been waiting for the runner.",
    registers: [],
    async collect() {
      const lagMs = await known(engine.lagMs());
      if (lagMs === undefined) this.remove();
      else this.set(lagMs / 1_000);
    },
  });
  for (const gauge of [pending, readOnly, lag]) registry.registerMetric(gauge);
}

async function known<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    return undefined; // `/readyz` tells why
  }
}
