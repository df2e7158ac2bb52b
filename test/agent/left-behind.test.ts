import { expect, it, onTestFinished } from "vitest";
import { host as hostMachine } from "../../machines/host/host.ts";
import { hostIdOf } from "../../machines/rollout/rollout-id.ts";
import { createBackoff } from "../../src/agent/backoff.ts";
import { baseLabel, createLocalHosts } from "../../src/agent/local-hosts.ts";
import { createOutbox } from "../../src/agent/outbox.ts";
import { createWitnesses } from "../../src/agent/witnesses.ts";
import { silentLog, type Log } from "../../src/core/log.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { until } from "../providers/until.ts";
import { createWorld } from "../support/world.ts";
import { createMirror, host } from "./mirror.ts";

const rolloutId = "stable@v2";

/** A host that has come to v2, and then to v3, and a control plane that knows nothing of that. */
async function createSite({ isLetGo = false } = {}) {
  const { engine, clock } = createWorld({ machines: [hostMachine] });
  await converge(engine, rolloutId);
  await clock.advance(1_000);
  await converge(engine, "stable@v3");
  const event = { type: "host.released", by: "stable@v4" };
  if (isLetGo) await engine.transactAsEngine([{ id: hostIdOf("stable@v3", host), event, sender: "engine" }]);
  const mirror = createMirror(clock);
  const hosts = createLocalHosts(engine);
  const logged: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (_fields, text) => void logged.push(text),
    warn: (_fields, text) => void logged.push(text),
  };
  const witnesses = createWitnesses({ targets: [], url: "http://127.0.0.1:2", clock });
  const backoff = createBackoff({ baseMs: 250, maxMs: 30_000, chance: () => 0 });
  const outbox = createOutbox({ engine, hosts, controlPlane: mirror.controlPlaneOf(witnesses), backoff, clock, log });
  const stopping = new AbortController();
  const running = outbox.run(stopping.signal);
  onTestFinished(() => {
    stopping.abort();
    return running;
  });
  return { engine, clock, mirror, hosts, outbox, logged };
}

it("what was told of a run that was left behind is not told as if it were of the run that has begun anew", async () => {
  const { engine, clock, mirror, hosts, outbox, logged } = await createSite();
  await until("nobody knows them", () => logged.filter((text) => text.includes("does not know")).length === 2);
  await mirror.offer(rolloutId);
  const old = await hosts.read(hostIdOf(rolloutId, host));
  await outbox.replay(old, 0);
  const anew = await hosts.nameFor(rolloutId, host);
  await begin(engine, rolloutId, { id: anew });
  outbox.moved(anew);
  await until("the new run is known", async () => (await mirror.streamOf(rolloutId)) === 1);

  await clock.advance(60_000); // what nobody knew is told again, the old run first
  await engine.transact([{ id: anew, event: { type: "activation.started" } }], { principal: "agent" });
  outbox.moved(anew);

  await until("it is heard of again", async () => (await mirror.streamOf(rolloutId)) > 1);
  expect([await mirror.streamOf(rolloutId), await mirror.stateOf(rolloutId)]).toEqual([2, "Activating"]);
  expect((await mirror.contextOf(rolloutId)).observedPrior).toBe("v3");
});

it("what has ended and nobody knows is said to be told: who begins it anew asks for what is lacking", async () => {
  const { outbox, logged } = await createSite({ isLetGo: true });

  await until("nobody knows them", () => logged.filter((text) => text.includes("does not know")).length === 2);

  await until("it is said", () => outbox.sent("stable@v3") > 0);
  expect([outbox.sent(rolloutId), outbox.sent("stable@v3")]).toEqual([0, 4]); // v2 has not ended here
});

it("a run of which nobody has the beginning any more is left behind, also where no newer one has come", async () => {
  const { mirror, hosts, outbox, engine } = await createSite();
  await converge(engine, "stable@v4", { [baseLabel]: "3" }); // the records of before were lost
  await mirror.offer("stable@v4");

  outbox.moved(hostIdOf("stable@v4", host));

  await until("it is left behind", async () => (await hosts.find("stable@v4")) === undefined);
  expect((await hosts.read(hostIdOf("stable@v4", host))).state).toBe("Released");
  expect(await hosts.nameFor("stable@v4", host)).toBe("stable@v4/web-1~2");
});

it("a run that is left behind while it activates is waited for, and ends when that has settled", async () => {
  const { mirror, hosts, outbox, engine, logged } = await createSite();
  const id = hostIdOf("stable@v4", host);
  await begin(engine, "stable@v4", { more: { [baseLabel]: "3" } }); // the records of before were lost
  await mirror.offer("stable@v4");

  outbox.moved(id);
  await until("it is left behind", () => logged.some((text) => text.includes("is waited for")));
  const local = (await hosts.active()).find((each) => each.id === id);
  const isBusy = local !== undefined && (await hosts.isBusy(local));
  await engine.transact([{ id, event: { type: "activation.failed", exitCode: 1, stderrTail: "" } }]);
  outbox.moved(id);

  expect([local?.state, isBusy]).toEqual(["Activating", true]);
  await until("it is let go", async () => (await hosts.read(id)).state === "Released");
  expect(await mirror.streamOf("stable@v4")).toBe(0);
});

async function begin(engine: Engine, of: string, given: { id?: string; more?: object } = {}): Promise<void> {
  const { id = hostIdOf(of, host), more = {} } = given;
  const [channel = "", target = ""] = of.split("@");
  const labels = { rollout: of, host, channel, ...more };
  await engine.transact(
    [
      { create: { machine: "host", id, input: { rolloutId: of, host, channel, target, wave: 0 }, labels } },
      { id, event: { type: "dispatch.acknowledged", observedPrior: "v3", rollbackTo: null } },
    ],
    { principal: "agent" },
  );
}

async function converge(engine: Engine, of: string, more = {}): Promise<void> {
  const id = hostIdOf(of, host);
  const [, target = ""] = of.split("@");
  await begin(engine, of, { more });
  await engine.transact(
    [
      { id, event: { type: "activation.started" } },
      { id, event: { type: "activation.completed", observedVersion: target } },
      { id, event: { type: "host.converged", version: target } },
    ],
    { principal: "agent" },
  );
}
