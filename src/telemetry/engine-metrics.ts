import { Counter, Gauge, Histogram, type Registry } from "@prometheus-io/client";
import type { Observer } from "../engine/observer.ts";
import { createLabelValues } from "./label-values.ts";

const reasonsMax = 200; // a law's codes are written in its machine; one that makes them up of data must not fill the memory

/** Counts and measures what an engine does. Names of machines, states and activities are the charts' own, so finite. */
export function createEngineMetrics(registry: Registry): Observer {
  const registers = [registry];
  const transitions = new Counter({
    name: "signalbox_transitions_total",
    help: "Events that changed an instance, and creations (from is empty), by machine and leading state before and after.",
    labelNames: ["machine", "from", "to"],
    registers,
  });
  const refusals = new Counter({
    name: "signalbox_refusals_total",
    help: "Refused events by machine and code of each reason.",
    labelNames: ["machine", "reason"],
    registers,
  });
  const sends = new Counter({
    name: "signalbox_sends_total",
    help: "Transactions that were asked for, by outcome; of a failed one the code of the error.",
    labelNames: ["outcome", "code"],
    registers,
  });
  const sendDuration = new Histogram({
    name: "signalbox_send_duration_seconds",
    help: "From a transaction's arrival to its answer, which waits for the disk.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const commitDuration = new Histogram({
    name: "signalbox_commit_duration_seconds",
    help: "One database transaction of the store, by outcome.",
    labelNames: ["outcome"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const batchSize = new Histogram({
    name: "signalbox_commit_batch_transactions",
    help: "Transactions that shared one database transaction.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const calls = new Counter({
    name: "signalbox_calls_total",
    help: "Attempts of calls that are over, by machine, activity and outcome.",
    labelNames: ["machine", "activity", "outcome"],
    registers,
  });
  const callDuration = new Histogram({
    name: "signalbox_call_duration_seconds",
    help: "One attempt of a call, by activity.",
    labelNames: ["activity"],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600],
    registers,
  });
  const callsRunning = new Gauge({
    name: "signalbox_calls_running",
    help: "Calls that a provider performs now.",
    registers,
  });
  const deadLetters = new Counter({
    name: "signalbox_dead_letters_total",
    help: "Rows that were given up, by kind; signalbox_pending with state dead says how many are left.",
    labelNames: ["kind"],
    registers,
  });
  const reasonOf = createLabelValues(reasonsMax);

  return {
    sending() {
      const elapsedSeconds = stopwatch();
      return {
        ended({ outcome, code = "" }) {
          sends.inc({ outcome, code });
          sendDuration.observe(elapsedSeconds());
        },
      };
    },
    committing({ elements }) {
      const elapsedSeconds = stopwatch();
      batchSize.observe(elements);
      return { ended: ({ outcome }) => commitDuration.observe({ outcome }, elapsedSeconds()) };
    },
    committed(entries) {
      for (const { machine, kind, from, to, outcome, reasons } of entries) {
        if (outcome === "refused") {
          for (const { code } of JSON.parse(reasons ?? "[]") as { code: string }[])
            refusals.inc({ machine, reason: reasonOf(code) });
        } else if (outcome === "changed" && kind !== "migrated") transitions.inc({ machine, from: from ?? "", to });
      }
    },
    performing({ machine, activity }) {
      const elapsedSeconds = stopwatch();
      callsRunning.inc();
      return {
        ended({ outcome }) {
          callsRunning.dec();
          calls.inc({ machine, activity, outcome });
          callDuration.observe({ activity }, elapsedSeconds());
        },
      };
    },
    deadLettered: ({ kind }) => deadLetters.inc({ kind }),
  };
}

/** Seconds since it was made, on a clock that is never set. */
export function stopwatch(): () => number {
  const startedMs = performance.now();
  return () => (performance.now() - startedMs) / 1_000;
}
