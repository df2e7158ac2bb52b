import type { ChannelContext } from "../../machines/channel/context.ts";
import { machines } from "../../machines/index.ts";
import type { RolloutContext } from "../../machines/rollout/context.ts";
import { waveNotes } from "../../machines/rollout/notes.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import type { ControlPlane, RolloutRecord } from "../fleet/control-plane.ts";
import { createControlPlane } from "../fleet/create-control-plane.ts";
import type { Fleet } from "../planning/fleet.ts";
import { parseFleet } from "../planning/parse-fleet.ts";
import { memoryStore } from "../store/memory.ts";
import { createCast } from "./cast.ts";
import { historyOf } from "./history.ts";
import { outcomeOf } from "./outcome-of.ts";
import type { RolloutOutcome, RunOutcome } from "./outcome.ts";
import { createRecorder, type RecordedRollout, type Recorder } from "./recorder.ts";
import type { Settings } from "./settings.ts";
import { simulatedClock } from "./simulated-clock.ts";
import { createWorld } from "./world.ts";

export interface Progress {
  /** Simulated time. */
  elapsedMs: number;
  /** Hosts on which an activation has begun. */
  touched: number;
  hosts: number;
}

const asOperator = { principal: "operator" };

/** One run, from the opening of the rollouts until they have come to rest or the time is over. */
export async function simulateRun(given: {
  /** The declaration as plain data, and as it was read. */
  document: Record<string, unknown>;
  fleet: Fleet;
  settings: Settings;
  seed: string;
  onProgress?: (progress: Progress) => void;
}): Promise<RunOutcome> {
  const { document, fleet, settings, seed, onProgress } = given;
  const { startsAt, channels, ref } = settings;
  const clock = simulatedClock(startsAt);
  const store = memoryStore();
  const control = createControlPlane({ clock });
  const engine = createEngine({ machines, store, clock, providers: [control.provider], limits: roomy });
  const recorder = createRecorder(clock.now);
  const history = historyOf(document, fleet, settings);
  const cast = createCast({ engine, control, clock, recorder, fleet, settings, seed, refs: history.refs });
  const world = createWorld({ engine, control, store, clock, actors: cast });

  async function playOn(): Promise<RunOutcome["ending"]> {
    while (!isAtRest(recorder, cast.nextAt())) {
      const moved = await world.advance(startsAt + settings.horizonMs);
      if (moved !== "moved") return moved === "idle" ? "stuck" : "out-of-time";
      onProgress?.({ elapsedMs: clock.now() - startsAt, ...countsOf(recorder) });
    }
    return "at-rest";
  }

  engine.observe(recorder);
  await control.start(engine);
  try {
    for (const declaration of [history.before, history.declared]) {
      await control.apply(parseFleet(declaration), declaration, asOperator);
      await world.settle();
    }
    cast.enter();
    for (const channel of channels) {
      const { rolloutId } = await control.open({ channel, ref }, asOperator);
      const opened = await control.rollout(rolloutId);
      recorder.follow(opened, await control.planOf(rolloutId), history.refs.get(channel) ?? "");
    }
    await world.settle();
    const ending = await playOn();
    const endsAt = recorder.lastAt();
    return {
      seed,
      rollouts: await Promise.all(
        recorder
          .rollouts()
          .map((recorded) => tell({ recorded, engine, control, agents: cast.agents, startsAt, endsAt })),
      ),
      durationMs: endsAt - startsAt,
      hostEvents: recorder.hostEvents(),
      ending,
      discords: [...cast.discords],
    };
  } finally {
    cast.leave();
    await control.stop();
  }
}

/** An engine that has no disk to spare and one user: what bounds memory and latency of a server only costs time here. */
const roomy = { hotInstancesMax: 60_000, deliveriesMax: 2_000, commitQueueMax: 100_000, batchMax: 1_000 };

/** All rollouts have ended, and nothing is under way on a host any more. */
function isAtRest(recorder: Recorder, nextAt: number): boolean {
  return nextAt === Number.POSITIVE_INFINITY && recorder.rollouts().every(({ endedAt }) => endedAt !== null);
}

function countsOf(recorder: Recorder): { touched: number; hosts: number } {
  const rollouts = recorder.rollouts();
  return {
    touched: rollouts.reduce((sum, { touched }) => sum + touched.size, 0),
    hosts: rollouts.reduce(
      (sum, { plan }) => sum + plan.waves.reduce((count, { hosts }) => count + hosts.length, 0),
      0,
    ),
  };
}

async function tell(given: {
  recorded: RecordedRollout;
  engine: Engine;
  control: ControlPlane;
  agents: Parameters<typeof outcomeOf>[0]["agents"];
  startsAt: number;
  endsAt: number;
}): Promise<RolloutOutcome> {
  const { recorded, engine, control } = given;
  const { rolloutId, channel, plan, endedAt } = recorded;
  const record = await control.rollout(rolloutId);
  const { quarantined } = (await engine.read(`channel/${channel}`)).context as ChannelContext;
  const isQuarantined = Object.hasOwn(quarantined, plan.ref);
  const stuckOn = endedAt === null ? holdsOf(record, (await engine.read(rolloutId)).context as RolloutContext) : [];
  return outcomeOf({ ...given, record, isQuarantined, stuckOn });
}

/** What would let it go on. That later waves wait for the one under way is no news: then it is what that one lacks. */
function holdsOf({ gates }: RolloutRecord, context: RolloutContext): string[] {
  const holding = gates.filter(({ gate }) => gate !== "wave-promotion");
  return holding.length === 0 ? waveNotes(context) : holding.map(({ gate, detail }) => `${gate}: ${detail}`);
}
