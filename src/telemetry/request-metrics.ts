import { Counter, Gauge, Histogram, type Registry } from "@prometheus-io/client";
import type { Watch } from "../engine/observer.ts";
import { stopwatch } from "./engine-metrics.ts";
import { otherValue } from "./label-values.ts";

export interface RequestBegun {
  method: string;
  /** Whether its answer has turned out to be a stream of events, which stays open. */
  isStream(): boolean;
  /** Whether what it asks for waits until there is something to tell. */
  waits(): boolean;
}

export interface RequestEnd {
  /** The pattern, `/v1/instances/:id`; undefined when nothing is there. */
  route: string | undefined;
  status: number;
}

export interface RequestMetrics {
  requesting(request: RequestBegun): Watch<RequestEnd>;
  openStreams(): number;
  watchAgents(agents: AgentFigures): void;
}

/** Of an app over the engine. */
export interface AgentFigures {
  /** Agents that wait for something to do. */
  waiting(): number;
  /** Hosts for which a second agent was refused not long ago. */
  contested(): number;
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

/** Counts and measures what is asked over HTTP. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry];
  const open = new Set<RequestBegun>();
  const openStreams = () => [...open].filter((request) => request.isStream()).length;
  const requests = new Counter({
    name: "signalbox_http_requests_total",
    help: "HTTP requests by route, method and status.",
    labelNames: ["route", "method", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "signalbox_http_request_duration_seconds",
    help: "From a request's arrival to the end of its answer, by route and method; without streams and what waits.",
    labelNames: ["route", "method"],
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const streams = new Gauge({
    name: "signalbox_streams_open",
    help: "Event streams that are open.",
    registers: [],
    collect() {
      this.set(openStreams());
    },
  });
  const apps: AgentFigures[] = [];
  const waiting = new Gauge({
    name: "signalbox_agents_waiting",
    help: "Agents that wait for something to do.",
    registers: [],
    collect() {
      this.set(sumOf(apps.map((app) => app.waiting())));
    },
  });
  const contested = new Gauge({
    name: "signalbox_hosts_contested",
    help: "Hosts for which a second agent was refused in the last 90 seconds.",
    registers: [],
    collect() {
      this.set(sumOf(apps.map((app) => app.contested())));
    },
  });
  for (const gauge of [streams, waiting, contested]) registry.registerMetric(gauge);

  return {
    openStreams,
    watchAgents: (agents) => void apps.push(agents),
    requesting(request) {
      const elapsedSeconds = stopwatch();
      open.add(request);
      return {
        ended({ route = otherValue, status }) {
          open.delete(request);
          const method = methods.has(request.method) ? request.method : otherValue;
          requests.inc({ route, method, status });
          if (!request.isStream() && !request.waits()) duration.observe({ route, method }, elapsedSeconds());
        },
      };
    },
  };
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
