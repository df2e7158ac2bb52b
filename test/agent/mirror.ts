import { host as hostMachine } from "../../machines/host/host.ts";
import type { HostContext } from "../../machines/host/context.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { ControlPlane, Order } from "../../src/agent/control-plane.ts";
import { controlPlaneWitness, type Witnesses } from "../../src/agent/witnesses.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { AgentAnswersView } from "../../src/operations/agent-schemas.ts";
import { createWorld, type World } from "../support/world.ts";

/** A control plane's own instances of one host, moved by what its agent tells. No provider performs anything there. */
export interface Mirror extends World {
  /** What the agent is connected to. */
  controlPlaneOf(witnesses: Witnesses): ControlPlane;
  /** The agent's next question is answered with it. */
  handOut(...orders: Order[]): void;
  /** How many wait to be handed out. */
  queued(): number;
  /** What is told from now on, another one hears. */
  leadTo(other: Mirror): void;
  /** Offers a dispatch; answers with what is handed out. */
  offer(rolloutId: string, input?: object): Promise<Order & { kind: "dispatch" }>;
  stateOf(rolloutId: string): Promise<string>;
  contextOf(rolloutId: string): Promise<HostContext>;
  /** The last number of the stream of a rollout. */
  streamOf(rolloutId: string): Promise<number>;
  /** Called before each request is taken, and before it is answered: what it throws is lost on that way. */
  onWay: { there?: () => void; back?: () => void };
}

export const host = "web-1";

/** Its timers do not run. */
export function createMirror(clock: Clock): Mirror {
  const world = createWorld({ machines: [hostMachine], engineClock: clock });
  const { engine } = world;
  const onWay: Mirror["onWay"] = {};
  const queue: Order[] = [];
  let heardBy: Mirror["engine"] = engine;
  let wake = () => {};

  async function tell({ rolloutId, events }: Parameters<ControlPlane["tell"]>[0]): Promise<AgentAnswersView> {
    onWay.there?.();
    const id = hostIdOf(rolloutId, host);
    const outcomes: AgentAnswersView["outcomes"] = [];
    for (const { seq, event } of events) {
      const { outcome, reasons } = await heardBy.send(id, event, {
        stream: { name: "agent", seq },
        principal: "agent",
      });
      outcomes.push({ seq, outcome, ...(reasons && { reasons }) });
    }
    onWay.back?.();
    return { last: events.at(-1)?.seq ?? 0, outcomes, state: (await heardBy.read(id)).state };
  }

  /** Hands out what was put there, once. */
  async function orders({ signal }: Parameters<ControlPlane["orders"]>[0]): Promise<Order[]> {
    while (queue.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    signal.throwIfAborted();
    onWay.there?.();
    return queue.splice(0);
  }

  return {
    ...world,
    onWay,
    controlPlaneOf: (witnesses) => {
      const heard = async <Answer>(answering: Promise<Answer>) => {
        const answer = await answering;
        witnesses.heard(controlPlaneWitness);
        return answer;
      };
      return { tell: (given) => heard(tell(given)), orders: (given) => heard(orders(given)) };
    },
    queued: () => queue.length,
    leadTo: (other) => void (heardBy = other.engine),
    handOut(...given) {
      queue.push(...given);
      wake();
    },

    async offer(rolloutId, more = {}) {
      const [channel = "", target = ""] = rolloutId.split("@");
      const dispatch = { rolloutId, host, channel, target, wave: 0, ...more };
      await engine.create({ machine: "host", id: hostIdOf(rolloutId, host), input: dispatch });
      return { kind: "dispatch", dispatch, quarantined: [] };
    },
    stateOf: async (rolloutId) => (await engine.read(hostIdOf(rolloutId, host))).state,
    contextOf: async (rolloutId) => (await engine.read(hostIdOf(rolloutId, host))).context as HostContext,
    streamOf: async (rolloutId) => (await engine.head(hostIdOf(rolloutId, host))).row.streams["agent"] ?? 0,
  };
}
