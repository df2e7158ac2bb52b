import type { Engine } from "../engine/engine.ts";
import type { ControlPlane } from "../fleet/control-plane.ts";
import type { Fleet } from "../planning/fleet.ts";
import { createAgenda } from "./agenda.ts";
import { createAgents, type Agent, type Deed, type Discord } from "./agents.ts";
import { createApprovers, type Approval } from "./approvers.ts";
import { fateOf } from "./fate.ts";
import type { Recorder } from "./recorder.ts";
import type { Settings } from "./settings.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { Actors } from "./world.ts";

/** All who act in a simulation: the agents of the hosts, and whoever approves. */
export interface Cast extends Actors {
  readonly agents: readonly Agent[];
  readonly discords: readonly Discord[];
  /** From now on the agents ask for orders. */
  enter(): void;
  leave(): void;
}

type Planned = { kind: "deed"; deed: Deed } | { kind: "approval"; approval: Approval };

const atOnce = 500; // they share a commit
const askEveryMs = 60_000; // a real agent asks at least once in that time

export function createCast(given: {
  engine: Engine;
  control: ControlPlane;
  clock: SimulatedClock;
  recorder: Recorder;
  fleet: Fleet;
  settings: Settings;
  seed: string;
  /** What each channel ran before. */
  refs: ReadonlyMap<string, string>;
}): Cast {
  const { engine, control, clock, recorder, fleet, settings, seed, refs } = given;
  const agenda = createAgenda<Planned>();
  const agents = [...fleet.hosts.values()]
    .filter(({ channel }) => settings.channels.includes(channel))
    .map(({ name, channel }): Agent => {
      const version = refs.get(channel) ?? "";
      const fate = fateOf(name, seed, settings.behaviour);
      return { host: name, fate, version, knownGood: version, parts: [], isWoken: false };
    });
  const reachable = agents.filter(({ fate }) => !fate.isUnreachable);
  const play = createAgents({
    engine,
    control,
    clock,
    later: (at, deed) => agenda.plan(at, { kind: "deed", deed }),
  });
  const approvers = createApprovers({
    engine,
    afterMs: settings.approveAfterMs,
    later: (delayMs, approval) => agenda.plan(clock.now() + delayMs, { kind: "approval", approval }),
  });
  const leaving = new Map<Agent, AbortController>();
  let woken: Agent[] = [];
  let askedAt = 0;

  /** Waits for the next wake, from before it asks: nothing in between is missed. */
  function listen(agent: Agent): void {
    const controller = leaving.get(agent) ?? new AbortController();
    leaving.set(agent, controller);
    void control.changed(agent.host, controller.signal).then(() => {
      if (agent.isWoken || controller.signal.aborted) return;
      agent.isWoken = true;
      woken.push(agent);
    });
  }

  async function attend(agent: Agent): Promise<void> {
    listen(agent);
    await play.attend(agent);
  }

  /** Those that are there ask; the long poll of a real one is answered without anything to do. */
  function ask(): void {
    if (clock.now() - askedAt < askEveryMs) return;
    askedAt = clock.now();
    for (const { host } of reachable) control.seen(host);
  }

  return {
    agents,
    discords: play.discords,
    enter() {
      askedAt = 0;
      ask();
      for (const agent of reachable) listen(agent);
    },
    leave() {
      for (const controller of leaving.values()) controller.abort("the simulation is over");
    },
    nextAt: agenda.nextAt,
    moved: ask,
    isWanted: () => woken.length > 0,
    async act() {
      const toAttend = woken;
      woken = [];
      await inGroups(toAttend, attend);
      const due = agenda.takeDue(clock.now());
      await inGroups(due, (planned) =>
        planned.kind === "deed" ? play.perform(planned.deed) : approvers.approve(planned.approval),
      );
      const isAsked = await approvers.look(recorder.takeMoved());
      return toAttend.length > 0 || due.length > 0 || isAsked;
    },
  };
}

async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce) await Promise.all(items.slice(from, from + atOnce).map(work));
}
