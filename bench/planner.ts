import { freezePlan } from "../src/planning/freeze-plan.ts";
import type { FrozenPlan } from "../src/planning/frozen-plan.ts";
import { parseFleet } from "../src/planning/parse-fleet.ts";
import type { FleetFacts, PlannedHost, PlannedRollout } from "../src/planning/plan-types.ts";
import { createPlanner } from "../src/planning/planner.ts";
import { costOf, type Cost, type Figure } from "./measure.ts";

const sizes = [100, 1_000, 10_000, 100_000] as const;
const times = 5_000;
const rounds = 5;

/**
 * What it costs to decide after one host has converged: the host is told, the decision dispatches the next, and that is told.
 * At 100,000 hosts beside 100, and at each size beside a scan of every host that does the same by hand.
 */
export function measurePlanner(): Figure {
  costAt(sizes[0]); // what is compiled on the way is nobody's cost
  const costs = sizes.map((size) => ({ size, ours: costAt(size), scanUs: scanUsAt(size) }));
  const [smallest, largest] = [costs[0], costs.at(-1)] as [(typeof costs)[number], (typeof costs)[number]];
  const details = costs.flatMap(({ size, ours, scanUs }) => [
    [`us${size}`, ours.best],
    [`scanUs${size}`, scanUs],
    [`scanToOurs${size}`, scanUs / ours.best],
  ]);
  return {
    ratio: largest.ours.best / smallest.ours.best,
    baseline: "the same decision over 100 hosts; 100,000 have a thousand times as many (a ratio of times)",
    perSecond: 1_000_000 / largest.ours.best,
    p50Ms: largest.ours.p50 / 1_000,
    p99Ms: largest.ours.p99 / 1_000,
    ...(Object.fromEntries(details) as Record<string, number>),
  };
}

/** A rollout in full course: half its hosts are done, and its budgets are taken. */
interface Course {
  readonly plan: FrozenPlan;
  /** In order of dispatch. */
  readonly names: readonly string[];
  readonly waveOf: ReadonlyMap<string, number>;
  /** Those that soak, the longest first. */
  readonly soaking: Line;
  /** Those that are done, the longest first: they are sent round again, so that the course never ends. */
  readonly done: Line;
}

function courseOf(size: number): Course {
  const fleet = parseFleet({
    channels: { stable: { ref: "v2", policy: "standard" } },
    hosts: {
      [`web-[000001-${String(size * 0.8).padStart(6, "0")}]`]: { channel: "stable", tags: ["web"] },
      [`db-[000001-${String(size * 0.2).padStart(6, "0")}]`]: { channel: "stable", tags: ["db"] },
    },
    policies: {
      standard: { waves: [{ hosts: { hosts: ["web-000001"] } }, { hosts: { all: true }, soak: "10m" }] },
    },
    budgets: [
      { hosts: { all: true }, maxInFlightPct: 10 },
      { hosts: { tags: ["db"] }, maxInFlight: 2 },
    ],
  });
  const plan = freezePlan(fleet, "stable");
  const names = plan.waves.flatMap(({ hosts }) => hosts);
  const waveOf = new Map(plan.waves.flatMap(({ hosts }, wave) => hosts.map((name) => [name, wave] as const)));
  const web = names.filter((name) => name.startsWith("web"));
  const out = Math.floor(size / 10);
  return {
    plan,
    names,
    waveOf,
    soaking: lineOf(web.slice(size / 4, size / 4 + out)),
    done: lineOf(web.slice(0, size / 4)),
  };
}

function costAt(size: number): Cost {
  const course = courseOf(size);
  const planner = createPlanner(course.plan);
  const rollout = rolloutOf(course.plan);
  for (const name of course.done.names) planner.set(hostIn(course, name, "Converged"));
  for (const name of course.soaking.names) planner.set(hostIn(course, name, "Soaking"));
  planner.decide({ fleet, rollout, at: 1 });

  return costOf(
    (count) => {
      for (let turn = 0; turn < count; turn += 1) {
        const converged = course.soaking.take();
        planner.set(hostIn(course, converged, "Converged"));
        const { moves } = planner.decide({ fleet, rollout, at: 1 });
        const dispatched = onlyDispatch(moves.flatMap((move) => (move.kind === "dispatch" ? [move.host] : [])));
        planner.set(hostIn(course, dispatched, "Soaking"));
        course.soaking.put(dispatched);
        planner.remove(course.done.take());
        course.done.put(converged);
      }
    },
    { times, rounds },
  );
}

/** The least that has to be done without anything kept: count what is out, then look for the first that may go. */
function scanUsAt(size: number): number {
  const course = courseOf(size);
  const { plan, names } = course;
  const hosts = new Map<string, PlannedHost>();
  for (const name of course.done.names) hosts.set(name, hostIn(course, name, "Converged"));
  for (const name of course.soaking.names) hosts.set(name, hostIn(course, name, "Soaking"));
  const members = plan.budgets.map((budget) => new Set(budget.hosts));
  const budgetsOf = new Map(
    names.map((name) => [name, members.flatMap((each, index) => (each.has(name) ? [index] : []))] as const),
  );

  function scan(): string[] {
    const free = plan.budgets.map(({ max }) => max);
    for (const host of hosts.values()) {
      if (host.state !== "Soaking") continue;
      for (const index of budgetsOf.get(host.host) ?? []) free[index] = (free[index] as number) - 1;
    }
    const dispatched: string[] = [];
    for (const name of names) {
      if (hosts.has(name)) continue;
      const own = budgetsOf.get(name) ?? [];
      if (fleet.busyWith(name) !== null || fleet.nodeOf(name) !== null) continue;
      if (own.some((index) => (free[index] as number) <= 0)) continue;
      for (const index of own) free[index] = (free[index] as number) - 1;
      dispatched.push(name);
    }
    return dispatched;
  }

  return bestUs(
    (count) => {
      for (let turn = 0; turn < count; turn += 1) {
        const converged = course.soaking.take();
        hosts.set(converged, hostIn(course, converged, "Converged"));
        const dispatched = onlyDispatch(scan());
        hosts.set(dispatched, hostIn(course, dispatched, "Soaking"));
        course.soaking.put(dispatched);
        hosts.delete(course.done.take());
        course.done.put(converged);
      }
    },
    Math.max(5, Math.ceil((times * 10) / size)),
  );
}

/** Best of several rounds, in microseconds; too long for batches. */
function bestUs(run: (times: number) => void, count: number): number {
  run(Math.ceil(count / 5)); // warm
  const roundsUs = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    run(count);
    return ((performance.now() - begun) * 1_000) / count;
  });
  return Math.min(...roundsUs);
}

const fleet: FleetFacts = {
  frozen: null,
  freezes: [],
  quarantined: null,
  newestOf: () => null,
  nodeOf: () => null,
  busyWith: () => null,
  unavailableElsewhere: () => 0,
};

function rolloutOf(plan: FrozenPlan): PlannedRollout {
  return {
    id: "stable@v2",
    openedAt: 0,
    state: "Active",
    since: 0,
    control: "Running",
    controlSince: 0,
    currentWave: 1,
    promotedThrough: -1,
    isFullyPromoted: false,
    isWaveSettled: false,
    isUndo: false,
    endedBy: null,
    endedAt: null,
    plan,
    isNewest: true,
    isLastTerminal: false,
  };
}

function hostIn({ waveOf }: Course, host: string, state: "Soaking" | "Converged"): PlannedHost {
  return {
    host,
    wave: waveOf.get(host) ?? 0,
    state,
    since: 0,
    countedAs: state,
    isOffered: false,
    isUnreachable: false,
    isExcused: false,
    isSoakWaived: false,
    isReleaseAsked: false,
    failingProbes: 0,
  };
}

interface Line {
  readonly names: readonly string[];
  take(): string;
  put(name: string): void;
}

/** First in, first out in a ring: the shift of a long array would cost more than what is measured. */
function lineOf(names: string[]): Line {
  let first = 0;
  let taken = 0;
  return {
    names,
    take() {
      const name = names[first];
      if (name === undefined || taken === names.length) throw new Error("The course has run dry");
      first = (first + 1) % names.length;
      taken += 1;
      return name;
    },
    put(name) {
      names[(first + names.length - taken) % names.length] = name;
      taken -= 1;
    },
  };
}

/** One place came free, so that one host goes: anything else would measure something else. */
function onlyDispatch(names: readonly string[]): string {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Error(`${names.length} hosts were dispatched, not one`);
  return name;
}
