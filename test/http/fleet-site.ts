import { createSite, type Answered, type Json, type Site, type SiteOptions } from "./site.ts";

/** Three hosts of which the canary goes first, and one of another channel. Nobody waits for a soak. */
export function declarationOf(stable: string, changes: object = {}) {
  return {
    channels: { stable: { ref: stable, policy: "careful" }, edge: { ref: "e1", policy: "plain" } },
    hosts: {
      "web-1": { channel: "stable", tags: ["canary"] },
      "web-[2-3]": { channel: "stable", tags: [] },
      "lab-1": { channel: "edge", tags: [] },
    },
    policies: {
      careful: {
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak: "0s" },
          { name: "rest", hosts: { all: true }, soak: "0s" },
        ],
      },
      plain: {},
    },
    ...changes,
  };
}

/** The agent of each host, and of the examples. */
export const theAgent = "9f86d081884c7d65.12r5e3c01b7";

export interface FleetSite extends Site {
  /** Declares a fleet with this version for `stable`, and lets everything follow from it. */
  declare(ref: string, changes?: object): Promise<Answered>;
  /** What the agent of a host is told to do, without waiting. */
  ordersOf(host: string, known?: string): Promise<Json[]>;
  /** What the agent of a host tells, numbered from `first` on. */
  tell(host: string, rolloutId: string, first: number, events: readonly object[]): Promise<Answered>;
  /** How many agents wait for something to do. */
  waiting(): Promise<number>;
  /** A host takes its dispatch and converges. */
  converge(host: string, rolloutId: string): Promise<void>;
  /** A host takes its dispatch and fails. */
  fail(host: string, rolloutId: string): Promise<void>;
}

export async function createFleetSite(options: SiteOptions = {}): Promise<FleetSite> {
  const site = await createSite({ ...options, hasFleet: true });
  const { get, post, settle } = site;

  async function tell(host: string, rolloutId: string, first: number, events: readonly object[]): Promise<Answered> {
    const numbered = events.map((event, index) => ({ seq: first + index, event }));
    const answered = await post("/v1/agent/events", { host, agent: theAgent, rolloutId, events: numbered });
    await settle();
    return answered;
  }

  async function lives(host: string, rolloutId: string, events: readonly object[]): Promise<void> {
    const { status, body } = await tell(host, rolloutId, 1, events);
    const refused = status === 200 ? body.outcomes.filter((each: Json) => each.outcome === "refused") : [body];
    if (refused.length > 0) throw new Error(`${host} was refused: ${JSON.stringify(refused)}`);
  }

  return {
    ...site,
    tell,
    async waiting() {
      const { text } = await get("/metrics");
      return Number(/^signalbox_agents_waiting (\d+)$/m.exec(text)?.[1]);
    },
    async declare(ref, changes = {}) {
      const answered = await post("/v1/fleet", { document: declarationOf(ref, changes) });
      await settle();
      return answered;
    },
    async ordersOf(host, known = "") {
      const query = `wait=0&host=${host}&agent=${theAgent}&known=${encodeURIComponent(known)}`;
      const { status, body } = await get(`/v1/agent/dispatch?${query}`);
      return status === 204 ? [] : body.items;
    },
    converge: (host, rolloutId) => lives(host, rolloutId, lifeOf(refOf(rolloutId))),
    fail: (host, rolloutId) => lives(host, rolloutId, [acknowledged, started, failed]),
  };
}

export const acknowledged = { type: "dispatch.acknowledged", observedPrior: null, rollbackTo: null };
export const started = { type: "activation.started" };
export const failed = { type: "activation.failed", exitCode: 1, stderrTail: "no space left" };

/** All that a host tells that has no probes and does not soak. */
export function lifeOf(version: string): object[] {
  return [
    acknowledged,
    started,
    { type: "activation.completed", observedVersion: version },
    { type: "host.converged", version },
  ];
}

export function refOf(rolloutId: string): string {
  return rolloutId.slice(rolloutId.indexOf("@") + 1).replace(/~\d+$/, "");
}

export const pathTo = (rolloutId: string) => `/v1/rollouts/${encodeURIComponent(rolloutId)}`;
