import { onTestFinished } from "vitest";
import { machines } from "../../machines/index.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { ControlPlane } from "../../src/fleet/control-plane.ts";
import { createControlPlane } from "../../src/fleet/create-control-plane.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { createWorld, type World } from "../support/world.ts";
import { createAgents, type Agents, type Fate } from "./agents.ts";

export const minutes = 60_000;
export const hours = 60 * minutes;

/** The person who declares and sends. */
export const ann = { principal: "ann" };

/** A control plane with its agents, on an engine in the hand of the test. */
export interface FleetWorld {
  readonly engine: Engine;
  readonly control: ControlPlane;
  readonly agents: Agents;
  now(): number;
  declare(document: Record<string, unknown>): ReturnType<ControlPlane["apply"]>;
  /** Lets everything happen that is to happen now. */
  settle(): Promise<void>;
  /** Lets time pass, in the steps in which something happens; agents ask once a minute at least. */
  advance(ms: number): Promise<void>;
  stateOf(id: string): Promise<string>;
  contextOf(rolloutId: string): Promise<RolloutContext>;
  send(id: string, type: string, payload?: Record<string, unknown>): ReturnType<Engine["send"]>;
  /** Another process, after this one was stopped. */
  restart(store?: Store): Promise<void>;
  /** Another process, after this one has died: it is not told, and nothing of it goes on. */
  crashed(store: Store): Promise<void>;
}

export interface FleetWorldOptions {
  store?: Store;
  /** Of a host and version; all is good when not given. */
  fateOf?: (host: string, version: string) => Fate;
  /** Hosts whose agents are there. */
  hosts?: readonly string[];
}

/** One process. */
interface Life {
  readonly control: ControlPlane;
  readonly world: World;
}

const pollMs = 60_000;
const startsAt = Date.UTC(2026, 10, 2, 10); // a Monday

export async function createFleetWorld(options: FleetWorldOptions = {}): Promise<FleetWorld> {
  const { fateOf = () => "good", hosts = [], store = memoryStore() } = options;
  const clock = virtualClock(startsAt);
  const agents = createAgents({ now: clock.now, fateOf });
  for (const host of hosts) agents.of(host);
  let life = await begun(store);
  onTestFinished(() => life.control.stop());

  async function begun(on: Store): Promise<Life> {
    const control = createControlPlane({ clock });
    const world = createWorld({ machines, store: on, providers: [control.provider] }, clock);
    await control.start(world.engine);
    return { control, world };
  }

  async function settle({ control, world }: Life): Promise<void> {
    const { engine } = world;
    for (let position = -1; position !== (await engine.position()); ) {
      position = await engine.position();
      await world.settle();
      await control.settled();
      await agents.act(engine, control);
      await control.settled();
    }
  }

  return {
    get engine() {
      return life.world.engine;
    },
    get control() {
      return life.control;
    },
    agents,
    now: clock.now,
    settle: () => settle(life),
    declare: (document) => life.control.apply(parseFleet(document), document, ann),
    async advance(ms) {
      const lived = life;
      const until = clock.now() + ms;
      await settle(lived);
      while (lived === life && clock.now() < until) {
        const dueAt = (await lived.world.store.nextDueAt()) ?? Infinity;
        const rowAt = dueAt > clock.now() ? dueAt : Infinity; // what is due and was not performed waits for something else
        const at = Math.min(until, agents.nextAt(), rowAt, clock.now() + pollMs);
        await clock.advance(Math.max(0, at - clock.now()));
        if (lived === life) await settle(lived);
      }
    },
    stateOf: async (id) => (await life.world.engine.read(id)).state,
    contextOf: async (rolloutId) => (await life.world.engine.read(rolloutId)).context as RolloutContext,
    send: (id, type, payload = {}) => life.world.engine.send(id, { type, ...payload }, ann),
    async restart(next = life.world.store) {
      await life.control.stop();
      life = await begun(next);
    },
    async crashed(next) {
      life = await begun(next);
    },
  };
}
