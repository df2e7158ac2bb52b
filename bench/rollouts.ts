import { simulate, type Simulation } from "../src/simulation/simulate.ts";
import { median, type Figure } from "./measure.ts";

const hosts = 10_000;
const baselineHosts = 100;
const baselineRuns = 9; // one is over before the machine code of it is good
const rounds = 3;
const largeHosts = 100_000;

/** Three waves with a soak each and a budget, as a fleet of any size has them. */
const declaration = {
  channels: { stable: { ref: "v1", policy: "careful" } },
  hosts: {
    "canary-[1-2]": { channel: "stable", tags: ["canary"] },
    "early-[01-18]": { channel: "stable", tags: ["early"] },
    "web-[01-80]": { channel: "stable", tags: ["web"] },
  },
  policies: {
    careful: {
      waves: [
        { name: "canary", hosts: { tags: ["canary"] }, soak: "10m" },
        { name: "early", hosts: { tags: ["early"] }, soak: "10m" },
        { name: "rest", hosts: { all: true }, soak: "10m" },
      ],
    },
  },
  budgets: [{ hosts: { all: true }, maxInFlightPct: 25 }],
};

/** What an event of a host costs in a simulated rollout over many hosts, beside the same over few. */
export async function measureRollouts({ isLarge }: { isLarge: boolean }): Promise<Figure> {
  await timed(1_000); // warm
  const few: Timed[] = [];
  const many: Timed[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (let run = 0; run < baselineRuns; run += 1) few.push(await timed(baselineHosts));
    many.push(await timed(hosts));
  }
  const microseconds = median(many.map((each) => each.microseconds));
  const baselineMicroseconds = median(few.map((each) => each.microseconds));
  return {
    ratio: microseconds / baselineMicroseconds,
    baseline: `the same of ${baselineHosts} hosts: processor time for each event of a host, to the end of a rollout of three waves`,
    perSecond: 1_000_000 / microseconds,
    p50Ms: microseconds / 1_000,
    p99Ms: Math.max(...many.map((each) => each.microseconds)) / 1_000,
    hosts,
    hostEvents: many[0]?.hostEvents ?? 0,
    seconds: median(many.map(({ seconds }) => seconds)),
    microseconds,
    baselineMicroseconds,
    ...(isLarge && (await large())),
  };
}

interface Timed {
  seconds: number;
  hostEvents: number;
  /** Of processor time, for each event of a host: what else the machine does meanwhile is not counted. */
  microseconds: number;
}

async function timed(count: number): Promise<Timed> {
  const begun = performance.now();
  const used = process.cpuUsage();
  const { run } = await rolledOut(count);
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - begun) / 1_000;
  return { seconds, hostEvents: run.hostEvents, microseconds: (user + system) / run.hostEvents };
}

async function rolledOut(count: number): Promise<Simulation> {
  const simulation = await simulate(declaration, { ref: "v2", hosts: String(count) }, { now: 0 });
  const [rollout] = simulation.run.rollouts;
  if (rollout?.state !== "Terminal") throw new Error(`${count} hosts ended in ${rollout?.state}, not in Terminal`);
  return simulation;
}

async function large(): Promise<Record<string, number>> {
  const { seconds, hostEvents, microseconds } = await timed(largeHosts);
  const { rss, heapUsed } = process.memoryUsage();
  const megabytes = (bytes: number) => bytes / 1_048_576;
  return {
    largeHosts,
    largeHostEvents: hostEvents,
    largeSeconds: seconds,
    largeMicroseconds: microseconds,
    largeHeapMegabytes: megabytes(heapUsed),
    largeResidentMegabytes: megabytes(rss),
  };
}
