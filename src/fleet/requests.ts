import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineMove } from "../engine/plan.ts";
import type { TransactOptions } from "../engine/transact.ts";
import type { Fleet } from "../planning/fleet.ts";
import type { Attendance } from "./attendance.ts";
import type { Application, ApplyOptions, OpenOrder, Opened } from "./control-plane.ts";
import { createDeclarationWatch, type DeclarationSource } from "./declaration-watch.ts";
import { createDeclaring } from "./declaring.ts";
import { rolloutNamed } from "./facts.ts";
import type { FleetIndex, RolloutEntry } from "./fleet-index.ts";
import type { Follower } from "./follower.ts";
import type { Joining } from "./joining.ts";
import { createOpening, refused, type Run } from "./opening.ts";
import type { Plans } from "./plans.ts";
import { convergedIn } from "./retried.ts";
import { abortRun, askedRun, refusal, retryRun, undoRun } from "./runs.ts";
import { createSerial } from "./serial.ts";

/** Who applies what a watched source declares. */
export const declarationPrincipal = "declaration";

/** What people ask of the control plane. */
export function createRequests(given: {
  engine: Engine;
  index: FleetIndex;
  follower: Follower;
  plans: Plans;
  joining: Joining;
  attendance: Pick<Attendance, "excused">;
  clock: Clock;
  log: Log;
}) {
  const { engine, index, follower, plans, joining, attendance, clock, log } = given;
  const opening = createOpening(engine);
  const declaring = createDeclaring({ engine, index, opening });
  const applyInTurn = createSerial(); // each is compared with what the one before has declared
  let watch: ReturnType<typeof createDeclarationWatch> | undefined;

  const caughtUp = async () => follower.reached(await engine.position());

  function declared(): Fleet {
    if (index.fleet !== undefined) return index.fleet;
    throw new SignalboxError("not-found", "No fleet is declared yet. Apply a declaration first.");
  }

  async function entryOf(rolloutId: string): Promise<RolloutEntry> {
    const entry = index.rollouts.get(rolloutId);
    if (entry === undefined || entry.facts.state === "Pruned") {
      await rolloutNamed(engine, rolloutId);
      throw refusal("is-pruned", `${rolloutId} is Pruned: it ended long ago, and nothing is left to be done with it.`);
    }
    if (!entry.isComplete) await follower.readHosts(rolloutId);
    return entry;
  }

  async function retryOf(rolloutId: string, reason: string): Promise<Run> {
    const entry = await entryOf(rolloutId);
    const hasConverged = await convergedIn(entry, { index, plans, readHosts: follower.readHosts });
    return retryRun({ fleet: declared(), facts: entry.facts, hasConverged, reason });
  }

  const openRun = (run: Run, asked: TransactOptions): Promise<Opened> => opening.open(declared(), run, asked);

  function apply(fleet: Fleet, document: unknown, asked: ApplyOptions): Promise<Application> {
    return applyInTurn(async () => {
      await caughtUp();
      const applied = await declaring.apply(fleet, document, asked);
      await caughtUp();
      return applied;
    });
  }

  return {
    compare: declaring.compare,
    apply,
    open: (order: OpenOrder, asked: TransactOptions) => openRun(askedRun(declared(), order), asked),
    undo: (channel: string, reason: string | undefined, asked: TransactOptions) =>
      openRun(undoRun(channel, reason), asked),
    abort: async (rolloutId: string, reason: string | undefined, asked: TransactOptions) =>
      openRun(abortRun(await entryOf(rolloutId), reason), asked),
    retry: async (rolloutId: string, reason: string, asked: TransactOptions) =>
      openRun(await retryOf(rolloutId, reason), asked),

    async excuse(rolloutId: string, host: string, reason: string, asked: TransactOptions): Promise<void> {
      await entryOf(rolloutId);
      const id = hostIdOf(rolloutId, host);
      const withdrawn: EngineMove = { id, event: { type: "dispatch.withdrawn" }, sender: "engine" };
      const excused: EngineMove = { id, event: { type: "host.excused", reason } };
      if (!(await joining.join({ rolloutId, host, atOnce: [withdrawn, excused] }, asked))) {
        const [sent] = await engine.transactAsEngine([excused], asked);
        if (sent?.outcome === "refused") throw refused(sent);
      }
      attendance.excused(rolloutId, host);
    },

    async watch(source: DeclarationSource): Promise<void> {
      await watch?.stop();
      const asked = { principal: declarationPrincipal };
      const applyRead = ({ fleet, document }: { fleet: Fleet; document: unknown }) => apply(fleet, document, asked);
      watch = createDeclarationWatch({ source, apply: applyRead, clock, log });
      await watch.start();
    },
    declarationFault: () => watch?.fault() ?? null,
    stop: async () => watch?.stop(),
  };
}
