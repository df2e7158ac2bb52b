import { Gauge, Registry } from "@prometheus-io/client";
import type { Engine } from "../engine/engine.ts";
import { createEngineMetrics } from "./engine-metrics.ts";
import { createRequestMetrics, type RequestMetrics } from "./request-metrics.ts";
import { createStateMetrics } from "./state-metrics.ts";

/** Figures of one engine and of the HTTP facade over it, in the terms of Prometheus. */
export interface Metrics extends RequestMetrics {
  /** Theirs alone: nothing is global. An embedder may add metrics of its own. */
  readonly registry: Registry;
  /** The text format of Prometheus, version 0.0.4. `checks` are those of readiness: whether each passes. */
  exposition(now: {
    checks: Readonly<Record<string, boolean>>;
    version: string;
  }): Promise<{ contentType: string; text: string }>;
}

/** Counts from now on. */
export function createMetrics(engine: Engine): Metrics {
  const registry = new Registry();
  const build = new Gauge({
    name: "signalbox_build_info",
    help: "Always 1; the version that runs is a label.",
    labelNames: ["version"],
    registers: [registry],
  });
  const ready = new Gauge({
    name: "signalbox_ready",
    help: "1 while a check of readiness passes, by check; 0 of any means that the server should get no new work.",
    labelNames: ["check"],
    registers: [registry],
  });
  createStateMetrics(registry, engine);
  engine.observe(createEngineMetrics(registry));
  return {
    ...createRequestMetrics(registry),
    registry,
    async exposition({ checks, version }) {
      build.set({ version }, 1);
      ready.reset();
      for (const [check, isPassing] of Object.entries(checks)) ready.set({ check }, isPassing ? 1 : 0);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
