import { randomUUID } from "node:crypto";
import { silentLog } from "../../src/core/log.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { performsOf } from "../../src/engine/call.ts";
import { createCatalogue } from "../../src/engine/catalogue.ts";
import { createCommitter, type Committer } from "../../src/engine/committer.ts";
import { createEngine, type Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { createHeads } from "../../src/engine/heads.ts";
import { defaultLimits } from "../../src/engine/limits.ts";
import { createMigrator } from "../../src/engine/migration.ts";
import { createObservers } from "../../src/engine/observer.ts";
import { createPlanner } from "../../src/engine/plan.ts";
import { createReading } from "../../src/engine/reading.ts";
import { createRefusalRate } from "../../src/engine/refusal-rate.ts";
import { createRunner } from "../../src/engine/runner.ts";
import { createSpace } from "../../src/engine/space.ts";
import { createTransactor } from "../../src/engine/transact.ts";
import { createTurns } from "../../src/engine/turns.ts";

/** Puts an engine together from the parts of the real one, of which the test may have spoilt one. */
export function composedEngine(spoil: { committer?: (healthy: Committer) => Committer }) {
  return (options: EngineOptions): Engine => {
    const { store, machines, providers = [], clock = systemClock(), log = silentLog } = options;
    const limits = { ...defaultLimits, ...options.limits };
    const catalogue = createCatalogue(machines);
    const observers = createObservers(log);
    const space = createSpace({ store, clock, log });
    const healthy = createCommitter({ store, limits, observers });
    const heads = createHeads({ store, catalogue, limits, migrate: createMigrator({ store, catalogue, clock }) });
    const transactor = createTransactor({
      store,
      space,
      clock,
      limits,
      heads,
      turns: createTurns(),
      planner: createPlanner({ catalogue, heads, clock, limits, performs: performsOf(providers) }),
      committer: spoil.committer?.(healthy) ?? healthy,
      refusalRate: createRefusalRate({ clock, limits }),
      read: createReading({ store, catalogue, clock, limits }).read,
      onCommitted: (committed) => runner.committed(committed),
      observers,
    });
    const runner = createRunner({
      store,
      space,
      clock,
      limits,
      providers,
      transactor,
      machineOf: async (id) => (await heads.find(id))?.head.machine,
      resolveSecret: () => Promise.reject(new Error("there are no secrets here")),
      sweep: () => Promise.resolve(),
      owner: randomUUID(),
      observers,
      log,
    });
    return {
      ...createEngine(options), // for reading
      transact: transactor.transact,
      async send(id, event, { expectedVersion, ...asked } = {}) {
        const move = { id, event, ...(expectedVersion !== undefined && { expectedVersion }) };
        const [sent] = await transactor.transact([move], asked);
        if (sent === undefined) throw new Error("not answered");
        return sent;
      },
      runOnce: runner.runOnce,
    };
  };
}
