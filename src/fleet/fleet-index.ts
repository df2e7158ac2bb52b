import type { ChannelContext } from "../../machines/channel/context.ts";
import type { LineContext } from "../../machines/line/line.ts";
import type { Fleet } from "../planning/fleet.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import { isOut } from "../planning/out.ts";
import { createBudgetBook, type BudgetBook } from "./budget-book.ts";
import { isAtRest, isOver, type HostFacts, type RolloutFacts } from "./facts.ts";

/** What is known of all rollouts that are not pruned, kept in memory: rebuilt by a start, and moved on by one step for each change. */
export interface FleetIndex {
  readonly rollouts: ReadonlyMap<string, RolloutEntry>;
  readonly channels: ReadonlyMap<string, ChannelContext>;
  readonly budgets: BudgetBook;
  /** The line: how it stands, and the version that decisions are made at; 0: it is not there yet. */
  readonly line: { readonly version: number; readonly stopped: LineContext["stopped"] };
  readonly fleet: Fleet | undefined;
  /** Hosts of rollouts that are held, by name: in which rollouts they are. */
  hostsNamed(host: string): Iterable<HostFacts>;
  /** Why the node of a host is not to be touched; null: it may be. */
  nodeOf(host: string): NodeTrouble | null;
  /** Rollouts that are held and may change by what happens elsewhere. */
  openOnes(): Iterable<RolloutEntry>;

  putRollout(facts: RolloutFacts, plan: PlanFacts | null): void;
  /** Passes over a host of a rollout that is not known, or not held. */
  putHost(facts: HostFacts): void;
  /** All hosts of a rollout have been put. */
  complete(rolloutId: string): void;
  /** Nobody asks for the hosts of a rollout any more, if it is over and they are at rest. */
  letGo(rolloutId: string): void;
  putChannel(context: ChannelContext): void;
  putLine(line: FleetIndex["line"]): void;
  putFleet(fleet: Fleet): void;
  putNode(host: string, trouble: NodeTrouble | null): void;
}

export interface RolloutEntry {
  readonly facts: RolloutFacts;
  /** null: it has none, or is over. */
  readonly plan: PlanFacts | null;
  /** All of them, if it is complete. */
  readonly hosts: ReadonlyMap<string, HostFacts>;
  /** false: it was over and at rest, and its hosts were let go. */
  readonly isComplete: boolean;
  /** Hosts of those here that something is still to be done with. */
  readonly restless: number;
}

/** A plan with what is looked up in it again and again. */
export interface PlanFacts {
  readonly plan: FrozenPlan;
  readonly waveOf: ReadonlyMap<string, number>;
}

export interface NodeTrouble {
  readonly since: number;
  readonly detail: string;
}

/** What has become different. Told after the index has changed. */
export type Change =
  | { kind: "host"; before: HostFacts | undefined; after: HostFacts }
  | { kind: "rollout"; before: RolloutFacts | undefined; after: RolloutFacts }
  | { kind: "channel"; before: ChannelContext | undefined; after: ChannelContext }
  | { kind: "line"; before: FleetIndex["line"]; after: FleetIndex["line"] }
  | { kind: "fleet"; after: Fleet }
  | { kind: "node"; host: string; before: NodeTrouble | null; after: NodeTrouble | null };

interface Held {
  facts: RolloutFacts;
  plan: PlanFacts | null;
  hosts: Map<string, HostFacts>;
  isComplete: boolean;
  restless: number;
}

const nodeReason = " node"; // no rollout's id begins with a blank

export function createFleetIndex(onChange: (change: Change) => void): FleetIndex {
  const rollouts = new Map<string, Held>();
  const channels = new Map<string, ChannelContext>();
  const byName = new Map<string, Map<string, HostFacts>>();
  const nodes = new Map<string, NodeTrouble>();
  const open = new Set<Held>();
  const budgets = createBudgetBook();
  let line: FleetIndex["line"] = { version: 0, stopped: null };
  let fleet: Fleet | undefined;

  /**
   * Of a rollout that is over no hosts are kept once all of them are at rest, and nothing of one that is pruned: there may be
   * hundreds of the former, and more of the latter every day.
   */
  function letGo(held: Held): void {
    const { id, state } = held.facts;
    if (!isOver(state) || held.restless > 0) return;
    for (const facts of held.hosts.values()) forgetHost(facts);
    held.hosts = new Map(); // another one: whoever holds the one before has all that were in it
    held.isComplete = false;
    if (state === "Pruned") rollouts.delete(id);
  }

  function forgetHost({ host, rolloutId }: HostFacts): void {
    const known = byName.get(host);
    known?.delete(rolloutId);
    if (known?.size === 0) byName.delete(host);
    budgets.setOut(host, rolloutId, false);
  }

  return {
    rollouts,
    channels,
    budgets,
    get line() {
      return line;
    },
    get fleet() {
      return fleet;
    },
    hostsNamed: (host) => byName.get(host)?.values() ?? [],
    nodeOf: (host) => nodes.get(host) ?? null,
    openOnes: () => open,

    putRollout(facts, plan) {
      const known = rollouts.get(facts.id);
      const held = known ?? { facts, plan, hosts: new Map(), isComplete: !isOver(facts.state), restless: 0 };
      const before = known?.facts;
      held.facts = facts;
      held.plan = plan;
      rollouts.set(facts.id, held);
      if (plan !== null) budgets.declare(facts.id, plan.plan.budgets);
      if (isOver(facts.state)) {
        held.plan = null;
        budgets.withdraw(facts.id);
        open.delete(held);
      } else open.add(held);
      letGo(held);
      onChange({ kind: "rollout", before, after: facts });
    },

    putHost(facts) {
      const held = rollouts.get(facts.rolloutId);
      if (held === undefined) return;
      const before = held.hosts.get(facts.host);
      held.hosts.set(facts.host, facts);
      const wasRestless = before !== undefined && !isAtRest(before);
      held.restless += Number(!isAtRest(facts)) - Number(wasRestless);
      byName.set(facts.host, (byName.get(facts.host) ?? new Map()).set(facts.rolloutId, facts));
      budgets.setOut(facts.host, facts.rolloutId, isOut(facts));
      if (wasRestless) letGo(held);
      onChange({ kind: "host", before, after: facts });
    },

    complete(rolloutId) {
      const held = rollouts.get(rolloutId);
      if (held !== undefined) held.isComplete = true;
    },

    letGo(rolloutId) {
      const held = rollouts.get(rolloutId);
      if (held !== undefined) letGo(held);
    },

    putChannel(after) {
      const before = channels.get(after.channel);
      channels.set(after.channel, after);
      onChange({ kind: "channel", before, after });
    },

    putLine(after) {
      const before = line;
      line = after;
      onChange({ kind: "line", before, after });
    },

    putFleet(after) {
      fleet = after;
      onChange({ kind: "fleet", after });
    },

    putNode(host, after) {
      const before = nodes.get(host) ?? null;
      if (after === null) nodes.delete(host);
      else nodes.set(host, after);
      budgets.setOut(host, nodeReason, after !== null);
      onChange({ kind: "node", host, before, after });
    },
  };
}
