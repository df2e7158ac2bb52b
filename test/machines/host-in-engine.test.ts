import { describe, expect, it } from "vitest";
import type { HostContext } from "../../machines/host/context.ts";
import { agentEventTypes } from "../../machines/host/events.ts";
import { host } from "../../machines/host/host.ts";
import type { Call } from "../../src/core/provider.ts";
import { createWorld, recordingProvider, untilAborted } from "../support/world.ts";

const id = "stable@v2/web-1";
const input = { rolloutId: "stable@v2", host: "web-1", channel: "stable", target: "v2", wave: 0, soakMs: 60_000 };
const acknowledged = { type: "dispatch.acknowledged", observedPrior: "v1", rollbackTo: "v1" };

describe("a host in the engine of its agent", () => {
  it("activates, soaks, converges, and comes out of a restart where it was", async () => {
    const agent = recordingProvider({
      activate: async (call) => {
        await call.report({ type: "activation.started" });
        await call.report({ type: "activation.completed", observedVersion: "v2" });
      },
      awaitConfirmation: () => undefined,
      probe: async (call) => {
        await declareAndPass(call);
        await untilAborted(call);
      },
    });
    const world = createWorld({ machines: [host], providers: [agent] });
    await world.engine.create({ machine: "host", id, input });
    await world.engine.send(id, acknowledged);
    const settled = world.settle();
    await untilSeen(world, "web");

    const early = await world.engine.send(id, { type: "host.converged", version: "v2" });
    await world.clock.advance(60_000);
    await world.engine.send(id, { type: "host.converged", version: "v2" });
    await settled;

    expect(early.reasons?.map(({ code }) => code)).toEqual(["soak-not-over"]);
    expect(await world.restarted().engine.read(id)).toMatchObject({ state: "Converged", status: "active" });
    expect(await toldIn(world)).toEqual([
      "dispatch.acknowledged",
      "activation.started",
      "activation.completed",
      "probes.declared",
      "probe.reported",
      "host.converged",
    ]);
  });

  it("has every failure of its own in its journal as something that its stream tells", async () => {
    const agent = recordingProvider({
      activate: () => fail("the disk is full"),
      rollBack: () => fail("v1 does not start"),
    });
    const world = createWorld({ machines: [host], providers: [agent] });
    await world.engine.create({ machine: "host", id, input });
    await world.engine.send(id, acknowledged);

    await world.advance(300_000);

    expect(await world.engine.read(id)).toMatchObject({ state: "Failed", tags: ["attention"] });
    const attempts = agent.calls.map(({ activity, attempt }) => `${activity} ${attempt}`);
    expect(attempts).toEqual(["activate 1", "activate 2", "activate 3", "rollBack 1", "rollBack 2", "rollBack 3"]);
    expect(await toldIn(world)).toEqual(["dispatch.acknowledged", "agent.failed", "rollback.failed"]);
  });

  it("takes an offer back that was not acknowledged in time, and refuses the acknowledgement that comes then", async () => {
    const world = createWorld({ machines: [host] });
    await world.engine.create({ machine: "host", id, input });

    await world.advance(300_000);
    const late = await world.engine.send(id, acknowledged);

    expect(late.outcome).toBe("refused");
    expect(late.reasons?.map(({ code }) => code)).toEqual(["not-offered"]);
  });
});

type World = ReturnType<typeof createWorld>;

async function declareAndPass(call: Call): Promise<void> {
  await call.report({ type: "probes.declared", probes: [{ name: "web", kind: "http", mode: "enforce" }] });
  await call.report({ type: "probe.reported", name: "web", mode: "enforce", status: "pass" });
}

function fail(message: string): never {
  throw new Error(message);
}

/** The probe is performed until it is withdrawn, so that nothing settles before. */
async function untilSeen({ engine }: World, probe: string): Promise<void> {
  const isSeen = async () => (((await engine.read(id)).context as HostContext).probes[probe]?.status ?? null) !== null;
  while (!(await isSeen())) await new Promise((resolve) => setImmediate(resolve));
}

/** What the stream of the agent consists of: accepted events of its kinds, as the journal has them. */
async function toldIn({ engine }: World): Promise<string[]> {
  const { entries } = await engine.journal({ instance: id, limit: 100 });
  return entries.flatMap(({ event, outcome }) =>
    event !== null && outcome !== "refused" && (agentEventTypes as readonly string[]).includes(event.type)
      ? [event.type]
      : [],
  );
}
