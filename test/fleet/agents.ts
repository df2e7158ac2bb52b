import type { HostState } from "../../machines/host/states.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { isSignalboxError } from "../../src/core/errors.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { AgentOrder, ControlPlane } from "../../src/fleet/control-plane.ts";

/** What comes of a version on a host. */
export type Fate = "good" | "fails" | "unhealthy" | "defers" | "hangs";

type Told = { type: string } & Record<string, unknown>;

/** What an agent keeps of a rollout: its numbered events, how far they are acknowledged, and the orders that it has taken. */
interface Run {
  rolloutId: string;
  target: string;
  soakMs: number;
  policy: string;
  rollbackTo: string | null;
  events: Told[];
  sent: number;
  orders: string[];
  state: HostState;
  isReleaseAsked: boolean;
}

const activationMs = 10_000;
const sustainedMs = 60_000;

/** Agents that speak the numbered stream as real ones do, without a host to change. */
export function createAgents(given: { now(): number; fateOf(host: string, version: string): Fate }) {
  const { now, fateOf } = given;
  const agents = new Map<string, Agent>();

  function agentOf(host: string): Agent {
    const agent = agents.get(host) ?? createAgent(host, { now, fateOf });
    agents.set(host, agent);
    return agent;
  }

  return {
    of: agentOf,
    /** When the next of them does something by itself. */
    nextAt: () =>
      Math.min(Infinity, ...[...agents.values()].filter(({ isOnline }) => isOnline).map((each) => each.nextAt())),
    /** All that are there ask, and do what they are told. */
    async act(engine: Engine, control: ControlPlane): Promise<void> {
      await Promise.all(
        [...agents.values()].filter(({ isOnline }) => isOnline).map((each) => each.act(engine, control)),
      );
    },
    /** Versions that hosts run. */
    running: () => Object.fromEntries([...agents].map(([host, { runs }]) => [host, runs])),
  };
}

export type Agents = ReturnType<typeof createAgents>;
type Agent = ReturnType<typeof createAgent>;

function createAgent(host: string, { now, fateOf }: { now(): number; fateOf(host: string, version: string): Fate }) {
  const runs = new Map<string, Run>();
  let later: { at: number; rolloutId: string; deed(run: Run): void }[] = [];

  const agent = {
    isOnline: true,
    runs: "v0",
    lastGood: "v0" as string | null,
    activations: [] as string[],
    rollouts: runs,
    /** The disk of the host is lost. */
    forget() {
      runs.clear();
      later = [];
    },
    reboot() {
      for (const run of runs.values()) if (run.state === "Deferred") complete(run);
    },
    nextAt: () => Math.min(Infinity, ...later.map(({ at }) => at)),
    async act(engine: Engine, control: ControlPlane): Promise<void> {
      control.seen(host);
      for (let isNew = true; isNew; ) {
        doWhatIsDue();
        const known = [...runs.values()].map(({ rolloutId, orders, sent }) => ({ rolloutId, orders, sent }));
        const orders = await control.ordersFor(host, known);
        for (const order of orders) await obey(order, engine);
        const told = await Promise.all([...runs.values()].map((run) => tell(run, engine)));
        isNew = told.some(Boolean);
      }
    },
  };

  function doWhatIsDue(): void {
    const due = later.filter(({ at }) => at <= now()).toSorted((a, b) => a.at - b.at);
    later = later.filter(({ at }) => at > now());
    for (const { rolloutId, deed } of due) {
      const run = runs.get(rolloutId);
      if (run !== undefined) deed(run);
    }
  }

  function soon(run: Run, delayMs: number, deed: (run: Run) => void): void {
    later.push({ at: now() + delayMs, rolloutId: run.rolloutId, deed });
  }

  async function obey(order: AgentOrder, engine: Engine): Promise<void> {
    switch (order.kind) {
      case "dispatch":
        return acknowledge(order, engine);
      case "recover":
        return recover(order);
      case "replay":
        return rewind(order.rolloutId, order.after);
      case "order":
        return take(order);
      default:
        order satisfies never;
    }
  }

  /** Nothing is done, and nothing kept, before the control plane has taken the acknowledgement. */
  async function acknowledge({ dispatch, quarantined }: AgentOrder & { kind: "dispatch" }, engine: Engine) {
    const { rolloutId, target, soakMs = 0, policy } = dispatch;
    const rollbackTo = agent.lastGood === null || quarantined.includes(agent.lastGood) ? null : agent.lastGood;
    const event = { type: "dispatch.acknowledged", observedPrior: agent.runs, rollbackTo, observedAt: now() };
    const { outcome } = await send(engine, rolloutId, event, 1);
    if (outcome === "refused") return;
    const run: Run = {
      rolloutId,
      target,
      soakMs,
      policy: policy?.onHealthFailure ?? "rollback-and-halt",
      rollbackTo,
      events: [event],
      sent: 1,
      orders: [],
      state: "Activating",
      isReleaseAsked: false,
    };
    runs.set(rolloutId, run);
    begin(run);
  }

  /** Its records are lost; what the control plane knows is where it goes on. */
  function recover({ dispatch, acknowledged, seq, state }: AgentOrder & { kind: "recover" }): void {
    const { rolloutId, target, soakMs = 0, policy } = dispatch;
    const run: Run = {
      rolloutId,
      target,
      soakMs,
      policy: policy?.onHealthFailure ?? "rollback-and-halt",
      rollbackTo: acknowledged.rollbackTo,
      events: Array.from({ length: seq }, () => ({ type: "lost" })),
      sent: seq,
      orders: [],
      state: state as HostState,
      isReleaseAsked: false,
    };
    runs.set(rolloutId, run);
    if (run.state === "Activating") begin(run);
    if (run.state === "Soaking") soak(run);
    if (run.state === "Failed") goBack(run);
  }

  function rewind(rolloutId: string, after: number): void {
    const run = runs.get(rolloutId);
    if (run !== undefined) run.sent = after;
  }

  function take({ rolloutId, id, event }: AgentOrder & { kind: "order" }): void {
    const run = runs.get(rolloutId);
    if (run === undefined || run.orders.includes(id)) return;
    run.orders.push(id);
    if (event.type === "soak.waived" && run.state === "Soaking") converge(run);
    if (event.type === "rollback.requested" && run.state === "Converged") fail(run, undefined);
    if (event.type === "host.released") {
      if (run.state === "Activating") run.isReleaseAsked = true;
      else run.state = "Released";
    }
  }

  function begin(run: Run): void {
    const fate = fateOf(host, run.target);
    agent.activations.push(run.target);
    note(run, { type: "activation.started" });
    if (fate === "hangs") return;
    soon(run, activationMs, () => {
      if (fate === "fails") return fail(run, { type: "activation.failed", exitCode: 1, stderrTail: "no space left" });
      if (fate === "defers") {
        note(run, { type: "activation.deferred", component: "kernel" });
        run.state = run.isReleaseAsked ? "Released" : "Deferred";
        return;
      }
      complete(run);
    });
  }

  function complete(run: Run): void {
    agent.runs = run.target;
    note(run, { type: "activation.completed", observedVersion: run.target });
    run.state = run.isReleaseAsked ? "Released" : "Soaking";
    if (run.state === "Soaking") soak(run);
  }

  function soak(run: Run): void {
    const isHealthy = fateOf(host, run.target) !== "unhealthy";
    note(run, { type: "probes.declared", probes: [{ name: "http", kind: "http", mode: "enforce" }] });
    note(run, { type: "probe.reported", name: "http", mode: "enforce", status: isHealthy ? "pass" : "fail" });
    if (isHealthy) soon(run, run.soakMs, converge);
    else soon(run, sustainedMs, () => fail(run, { type: "health.failed", sustainedMs, failingProbes: ["http"] }));
  }

  function converge(run: Run): void {
    if (run.state !== "Soaking") return;
    note(run, { type: "host.converged", version: run.target });
    run.state = "Converged";
    agent.lastGood = run.target;
  }

  function fail(run: Run, event: Told | undefined): void {
    if (run.state === "Released") return;
    if (event !== undefined) note(run, event);
    run.state = run.isReleaseAsked ? "Released" : "Failed";
    const isAsked = event === undefined;
    if (run.state === "Failed" && (isAsked || run.policy !== "halt")) goBack(run);
  }

  function goBack(run: Run): void {
    if (run.rollbackTo === null || run.rollbackTo === run.target) return;
    soon(run, activationMs, () => {
      if (run.state !== "Failed") return;
      agent.runs = run.rollbackTo as string;
      note(run, { type: "rollback.completed", revertedTo: agent.runs });
      run.state = "Reverted";
    });
  }

  function note(run: Run, event: Told): void {
    run.events.push({ ...event, observedAt: now() });
  }

  /** Whether anything was told. */
  async function tell(run: Run, engine: Engine): Promise<boolean> {
    const from = run.sent;
    try {
      while (run.sent < run.events.length) {
        await send(engine, run.rolloutId, run.events[run.sent] as Told, run.sent + 1);
        run.sent += 1;
      }
    } catch (error) {
      if (!isSignalboxError(error, "not-found") && !isSignalboxError(error, "sequence-gap")) throw error;
    }
    return run.sent > from;
  }

  function send(engine: Engine, rolloutId: string, event: Told, seq: number) {
    return engine.send(hostIdOf(rolloutId, host), event, {
      principal: `agent:${host}`,
      stream: { name: "agent", seq },
    });
  }

  return agent;
}
