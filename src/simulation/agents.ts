import { defaultHostPolicy } from "../../machines/host/context.ts";
import { agentEventTypes, type HostInput } from "../../machines/host/events.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Sent } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import type { AgentOrder, ControlPlane } from "../fleet/control-plane.ts";
import type { Fate } from "./fate.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** A model of one host's agent: what it knows and what will become of its host. */
export interface Agent {
  readonly host: string;
  readonly fate: Fate;
  /** What the host runs. */
  version: string;
  /** The last version that converged here. */
  readonly knownGood: string | null;
  /** Its parts in rollouts that are not over. */
  parts: Part[];
  /** The control plane has something for it. */
  isWoken: boolean;
}

type Dispatch = Omit<HostInput, "at" | "reportsTo">;

interface Part {
  readonly dispatch: Dispatch;
  readonly rollbackTo: string | null;
  state: "Activating" | "Soaking" | "Converged" | "Failed" | "Over";
  /** Numbers of the stream that are used. */
  told: number;
  /** The ids of orders that it has taken. */
  orders: readonly string[];
  isReleased: boolean;
}

/** Something that an agent does at a time of its own. */
export interface Deed {
  readonly agent: Agent;
  readonly part: Part;
  readonly what: "settleActivation" | "reportSustainedFailure" | "endSoak" | "settleRollback";
}

/** What the control plane refused to take from an agent, or asked for that no agent of ours can give. */
export interface Discord {
  readonly host: string;
  readonly what: string;
}

export interface Agents {
  /** Answers a wake: asks what there is to do, and does it. */
  attend(agent: Agent): Promise<void>;
  perform(deed: Deed): Promise<void>;
  /** Should stay empty: the model speaks as a real agent does. */
  readonly discords: readonly Discord[];
}

type AgentEvent = { type: (typeof agentEventTypes)[number] } & Record<string, unknown>;

const probeName = "healthy";

/**
 * Agents as the control plane sees them: they ask for orders and tell the numbered stream of events, as real ones do. What
 * happens on a host is drawn beforehand; how it is told follows the chart of a host.
 */
export function createAgents(given: {
  engine: Engine;
  control: Pick<ControlPlane, "ordersFor">;
  clock: SimulatedClock;
  later(at: number, deed: Deed): void;
}): Agents {
  const { engine, control, clock } = given;
  const discords: Discord[] = [];

  async function tell({ host }: Agent, part: Pick<Part, "dispatch" | "told">, event: AgentEvent): Promise<Sent> {
    part.told += 1;
    const sent = await engine.send(
      hostIdOf(part.dispatch.rolloutId, host),
      { ...event, observedAt: clock.now() },
      { principal: `agent:${host}`, stream: { name: "agent", seq: part.told } },
    );
    if (sent.outcome === "refused")
      discords.push({ host, what: `${event.type}: ${sent.reasons?.[0]?.detail ?? "refused"}` });
    return sent;
  }

  function later(agent: Agent, part: Part, afterMs: number, what: Deed["what"]): void {
    given.later(clock.now() + afterMs, { agent, part, what });
  }

  async function obey(agent: Agent, order: AgentOrder): Promise<void> {
    switch (order.kind) {
      case "dispatch":
        return begin(agent, order.dispatch, new Set(order.quarantined));
      case "order": {
        const part = agent.parts.find(({ dispatch }) => dispatch.rolloutId === order.rolloutId);
        if (part === undefined || part.orders.includes(order.id)) return; // taken already
        part.orders = [...part.orders, order.id];
        return take(agent, part, order.event.type);
      }
      case "recover":
      case "replay":
        discords.push({ host: agent.host, what: `was asked to ${order.kind}` }); // it has lost nothing
        return;
      default:
        order satisfies never;
    }
  }

  async function begin(agent: Agent, dispatch: Dispatch, quarantined: ReadonlySet<string>): Promise<void> {
    if (agent.parts.some((part) => part.dispatch.rolloutId === dispatch.rolloutId)) return; // begun already
    const { knownGood, version, fate } = agent;
    const rollbackTo = knownGood === null || quarantined.has(knownGood) ? null : knownGood;
    const part: Part = { dispatch, rollbackTo, state: "Activating", told: 0, orders: [], isReleased: false };
    const sent = await tell(agent, part, { type: "dispatch.acknowledged", observedPrior: version, rollbackTo });
    if (sent.outcome === "refused") return; // too late: it is offered again
    agent.parts.push(part);
    await tell(agent, part, { type: "activation.started" });
    later(agent, part, fate.activationMs, "settleActivation");
  }

  async function take(agent: Agent, part: Part, type: string): Promise<void> {
    if (type === "soak.waived" && part.state === "Soaking" && agent.fate.fails === null) return converge(agent, part);
    if (type === "rollback.requested" && part.state === "Converged") return fail(agent, part, true);
    if (type !== "host.released") return;
    part.isReleased = true;
    if (part.state !== "Activating") leave(agent, part);
  }

  function leave(agent: Agent, part: Part): void {
    part.state = "Over";
    agent.parts = agent.parts.filter((each) => each !== part);
  }

  async function settleActivation(agent: Agent, part: Part): Promise<void> {
    if (part.state !== "Activating") return;
    const { dispatch } = part;
    const { fails } = agent.fate;
    if (fails === "activation") {
      await tell(agent, part, { type: "activation.failed", exitCode: 1, stderrTail: "simulated failure" });
      return part.isReleased ? leave(agent, part) : fail(agent, part, false);
    }
    agent.version = dispatch.target;
    await tell(agent, part, { type: "activation.completed", observedVersion: dispatch.target });
    if (part.isReleased) return leave(agent, part);
    part.state = "Soaking";
    const probe = { name: probeName, mode: "enforce" };
    await tell(agent, part, { type: "probes.declared", probes: [{ ...probe, kind: "http" }] });
    if (fails === "health") {
      await tell(agent, part, { type: "probe.reported", ...probe, status: "fail", reason: "simulated failure" });
      return later(
        agent,
        part,
        dispatch.policy?.sustainedMs ?? defaultHostPolicy.sustainedMs,
        "reportSustainedFailure",
      );
    }
    await tell(agent, part, { type: "probe.reported", ...probe, status: "pass" });
    later(agent, part, dispatch.soakMs ?? 0, "endSoak");
  }

  async function reportSustainedFailure(agent: Agent, part: Part): Promise<void> {
    if (part.state !== "Soaking") return;
    const sustainedMs = part.dispatch.policy?.sustainedMs ?? defaultHostPolicy.sustainedMs;
    await tell(agent, part, { type: "health.failed", sustainedMs, failingProbes: [probeName] });
    return fail(agent, part, false);
  }

  async function converge(agent: Agent, part: Part): Promise<void> {
    if (part.state !== "Soaking") return;
    part.state = "Converged";
    await tell(agent, part, { type: "host.converged", version: part.dispatch.target });
  }

  /** It goes back by itself where the policy says so, or because it is told to. */
  function fail(agent: Agent, part: Part, isAsked: boolean): void {
    part.state = "Failed";
    const goesBack = isAsked || part.dispatch.policy?.onHealthFailure !== "halt";
    if (goesBack && part.rollbackTo !== null) later(agent, part, agent.fate.activationMs, "settleRollback");
  }

  async function settleRollback(agent: Agent, part: Part): Promise<void> {
    if (part.state !== "Failed" || part.rollbackTo === null) return;
    agent.version = part.rollbackTo;
    leave(agent, part);
    await tell(agent, part, { type: "rollback.completed", revertedTo: part.rollbackTo });
  }

  return {
    discords,
    async attend(agent) {
      agent.isWoken = false;
      const known = agent.parts.map(({ dispatch, orders, told }) => ({
        rolloutId: dispatch.rolloutId,
        orders,
        sent: told,
      }));
      for (const order of await control.ordersFor(agent.host, known)) await obey(agent, order);
    },
    async perform({ agent, part, what }) {
      switch (what) {
        case "settleActivation":
          return settleActivation(agent, part);
        case "reportSustainedFailure":
          return reportSustainedFailure(agent, part);
        case "endSoak":
          return converge(agent, part);
        case "settleRollback":
          return settleRollback(agent, part);
        default:
          throw new SignalboxError("internal-fault", `No agent knows how to ${String(what satisfies never)}.`);
      }
    },
  };
}
