import { createPlanBudgets, type PlanBudgets } from "./budget-places.ts";
import type { FrozenPlan } from "./frozen-plan.ts";
import { isPassed } from "./gates/host-edge.ts";
import { isOut } from "./out.ts";
import type { PlannedHost } from "./plan-types.ts";
import { positionsOf, type Positions } from "./positions.ts";
import { createPositionSet, type PositionSet } from "./position-set.ts";

/**
 * The hosts of a plan as they are, with what a decision asks for at hand. A change of one host costs the logarithm of their
 * number, times the budgets and edges that it has.
 */
export interface Roster {
  readonly plan: FrozenPlan;
  readonly positions: Positions;
  readonly budgets: PlanBudgets;
  readonly edges: Edges;
  readonly sets: Readonly<Record<SetName, PositionSet>>;
  at(position: number): PlannedHost | undefined;
  set(host: PlannedHost): void;
  /** It is as if it had never been dispatched. */
  remove(host: string): void;
  /** What holds just this host from outside the rollout: while anything does, it is not ready. */
  hold(position: number, by: { isBusy: boolean; isInMaintenance: boolean }): void;
}

/**
 * `waiting` for a dispatch; of these `behindHost` (an edge), `busy` and `inMaintenance` (held from outside), and
 * `readyWithoutPlace`: they are out already and take no further place. `offered`; `soaking` and not waived; `failing` an
 * enforce probe; `converged`; `releasable` before the rollout is pruned; `lost`: its release was asked, and it is excused
 * before that was taken; `unfinished`: not at an end.
 */
type SetName =
  | "waiting"
  | "behindHost"
  | "busy"
  | "inMaintenance"
  | "readyWithoutPlace"
  | "offered"
  | "soaking"
  | "failing"
  | "converged"
  | "releasable"
  | "lost"
  | "unfinished";

/** Which hosts go before which, by position. */
interface Edges {
  before(position: number): readonly { readonly before: string; readonly reason: string | null }[];
  after(position: number): readonly number[];
}

export function createRoster(plan: FrozenPlan): Roster {
  const positions = positionsOf(plan);
  const length = positions.names.length;
  const staged = positions.beginOf(plan.waves.length);
  const hosts: (PlannedHost | undefined)[] = Array.from({ length });
  const edges = edgesOf(plan, positions);
  const unpassed = new Int32Array(length); // hosts that go before and have not passed
  const budgets = createPlanBudgets(plan, positions, staged);
  const sets = createSets(length);

  /** Waits, and nothing holds just this host. */
  function sortIn(position: number): void {
    const host = hosts[position];
    const isWaiting = position < staged && waits(host);
    sets.waiting.put(position, isWaiting);
    sets.behindHost.put(position, isWaiting && (unpassed[position] as number) > 0);
    if (!isWaiting) {
      sets.busy.put(position, false);
      sets.inMaintenance.put(position, false);
    }
    const isHeld = sets.behindHost.has(position) || sets.busy.has(position) || sets.inMaintenance.has(position);
    const isReady = isWaiting && !isHeld;
    const hasPlace = host !== undefined && isOut(host);
    sets.readyWithoutPlace.put(position, isReady && hasPlace);
    if (position < staged) budgets.classOf(position).ready.put(position, isReady && !hasPlace);
  }

  function place(position: number, host: PlannedHost | undefined): void {
    const hadPassed = hasPassed(hosts[position]);
    hosts[position] = host;
    for (const name of keptSets) sets[name].put(position, host !== undefined && belongs[name](host));
    if (position < staged) {
      const since = host !== undefined && isOut(host) ? host.since : null;
      for (const budget of budgets.classOf(position).budgets) budget.put(position, since);
    }
    sortIn(position);
    if (hadPassed === hasPassed(host)) return;
    for (const after of edges.after(position)) {
      unpassed[after] = (unpassed[after] as number) + (hadPassed ? 1 : -1);
      sortIn(after);
    }
  }

  for (let position = 0; position < length; position += 1) unpassed[position] = edges.before(position).length;
  for (let position = 0; position < length; position += 1) sortIn(position);
  return {
    plan,
    positions,
    budgets,
    edges,
    sets,
    at: (position) => hosts[position],
    set(host) {
      const position = positions.of(host.host);
      if (position !== undefined) place(position, host);
    },
    remove(host) {
      const position = positions.of(host);
      if (position !== undefined) place(position, undefined);
    },
    hold(position, { isBusy, isInMaintenance }) {
      sets.busy.put(position, isBusy && sets.waiting.has(position));
      sets.inMaintenance.put(position, isInMaintenance && sets.waiting.has(position));
      sortIn(position);
    },
  };
}

/** It was never dispatched, or its offer was taken back; an excused one waits for nothing. */
function waits(host: PlannedHost | undefined): boolean {
  return host === undefined || (host.state === "Pending" && !host.isOffered && !host.isExcused);
}

function hasPassed(host: PlannedHost | undefined): boolean {
  return host !== undefined && isPassed(host);
}

const isJoined = (host: PlannedHost) => host.isJoined !== false;

/** Sets that follow from the host alone. */
const belongs = {
  offered: (host) => host.state === "Pending" && host.isOffered,
  soaking: (host) => host.state === "Soaking" && !host.isSoakWaived,
  // A failure that a wave bears is judged by its tolerance, not by its probes again; an excused host counts neither way.
  failing: (host) =>
    host.failingProbes > 0 && !host.isExcused && (host.state === "Soaking" || host.state === "Converged"),
  converged: (host) => host.state === "Converged",
  releasable: (host) =>
    isJoined(host) &&
    !host.isReleaseAsked &&
    ["Pending", "Activating", "Deferred", "Soaking", "Failed"].includes(host.state),
  lost: (host) => host.isReleaseAsked && host.isExcused && (host.state === "Activating" || host.state === "Failed"),
  unfinished: (host) => isJoined(host) && host.state !== "Released" && host.state !== "Reverted",
} as const satisfies Partial<Record<SetName, (host: PlannedHost) => boolean>>;

const keptSets = Object.keys(belongs) as (keyof typeof belongs)[];

function createSets(length: number): Record<SetName, PositionSet> {
  const make = () => createPositionSet(length);
  return {
    waiting: make(),
    behindHost: make(),
    busy: make(),
    inMaintenance: make(),
    readyWithoutPlace: make(),
    offered: make(),
    soaking: make(),
    failing: make(),
    converged: make(),
    releasable: make(),
    lost: make(),
    unfinished: make(),
  };
}

function edgesOf(plan: FrozenPlan, positions: Positions): Edges {
  const before = new Map<number, { before: string; reason: string | null }[]>();
  const after = new Map<number, number[]>();
  for (const edge of plan.hostEdges) {
    const [first, second] = [positions.of(edge.before), positions.of(edge.after)];
    if (first === undefined || second === undefined) continue;
    append(before, second, { before: edge.before, reason: edge.reason });
    append(after, first, second);
  }
  return { before: (position) => before.get(position) ?? [], after: (position) => after.get(position) ?? [] };
}

/** Into a list that is at hand: thousands may wait for one host. */
function append<Item>(lists: Map<number, Item[]>, key: number, item: Item): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [item]);
  else known.push(item);
}
