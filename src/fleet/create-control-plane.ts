import type { Clock } from "../core/clock.ts";
import { SignalboxError } from "../core/errors.ts";
import { silentLog, type Log } from "../core/log.ts";
import { orAborted } from "../core/or-aborted.ts";
import type { Activity } from "../core/provider.ts";
import type { ControlPlane } from "./control-plane.ts";
import { createRunning, type FleetLimits, type Running } from "./running.ts";

export const defaultFleetLimits: FleetLimits = { absentAfterMs: 90_000 };

export interface ControlPlaneOptions {
  clock: Clock;
  /** Measures how long an agent was silent, whoever sets the machine's clock meanwhile; `clock` when not given. */
  steady?: Clock;
  log?: Log;
  limits?: Partial<FleetLimits>;
}

/**
 * Makes a control plane. Its provider is handed to the engine, then it is started on that engine; before that, and after it
 * was stopped, it answers `shutting-down`.
 */
export function createControlPlane({
  clock,
  steady = clock,
  log = silentLog,
  limits = {},
}: ControlPlaneOptions): ControlPlane {
  let running: Running | undefined;
  let starting = startToCome(); // a call may be claimed before the start is done

  const planRollout: Activity<{ rolloutId: string }> = async (input, call) =>
    (await orAborted(starting.promise, call.signal)).planRollout(input, call);

  function up(): Running {
    if (running !== undefined) return running;
    throw new SignalboxError("shutting-down", "The control plane does not run. Ask again when it has started.");
  }

  /** Whoever asks has seen the answer to what was asked before. */
  const current = async () => up().current();

  return {
    provider: { name: "fleet", activities: { planRollout } },
    async start(engine) {
      const begun = createRunning({ engine, clock, steady, log, limits: { ...defaultFleetLimits, ...limits } });
      await begun.start();
      running = begun;
      starting.resolve(begun);
    },
    async stop() {
      const stopped = running;
      if (stopped === undefined) return;
      running = undefined;
      starting = startToCome();
      await stopped.stop();
    },
    settled: async () => up().settled(),

    fleet: () => up().index.fleet,
    watch: async (source) => up().requests.watch(source),
    declarationFault: () => up().requests.declarationFault(),
    compare: async (declared, asked) => (await current()).requests.compare(declared, asked),
    apply: async (declared, document, asked) => up().requests.apply(declared, document, asked),

    open: async (order, asked) => (await current()).requests.open(order, asked),
    abort: async (rolloutId, { reason }, asked) => (await current()).requests.abort(rolloutId, reason, asked),
    retry: async (rolloutId, { reason }, asked) => (await current()).requests.retry(rolloutId, reason, asked),
    undo: async (channel, { reason }, asked) => (await current()).requests.undo(channel, reason, asked),
    excuse: async (rolloutId, host, { reason }, asked) =>
      (await current()).requests.excuse(rolloutId, host, reason, asked),

    rollout: async (id) => up().records.rollout(id),
    rollouts: async (query) => (await current()).records.rollouts(query),
    planOf: async (rolloutId) => up().records.planOf(rolloutId),
    hosts: async (rolloutId, query) => (await current()).records.hosts(rolloutId, query),
    explainHost: async (rolloutId, host) => (await current()).records.explainHost(rolloutId, host),

    admit: (host, agent) => up().holders.admit(host, agent),
    contested: () => running?.holders.contested() ?? [], // also asked by figures, before it runs
    seen(host, agent) {
      const { holders, attendance } = up();
      if (agent !== undefined) holders.heard(host, agent);
      attendance.seen(host);
    },
    ordersFor: async (host, known) => (await current()).ordersFor(host, known),
    tookOrders: async (host, taken) => (await current()).tookOrders(host, taken),
    changed: async (host, signal) => up().wakes.changed(host, signal),
  };
}

function startToCome(): PromiseWithResolvers<Running> {
  return Promise.withResolvers<Running>();
}
