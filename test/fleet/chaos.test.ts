import fc from "fast-check";
import { expect, it } from "vitest";
import { isSignalboxError } from "../../src/core/errors.ts";
import { runs } from "../support/runs.ts";
import type { Fate } from "./agents.ts";
import { ann, createFleetWorld, hours, minutes, type FleetWorld } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const channels = ["api", "web"] as const;
const refs = ["v1", "v2", "v3", "v4"] as const;
const hosts = ["api-1", "api-2", "api-3", "web-1", "web-2", "web-3", "web-4"];
const fates: readonly Fate[] = ["good", "good", "good", "good", "fails", "unhealthy", "defers"];

const channel = fc.constantFrom(...channels);
const ref = fc.constantFrom(...refs);
const host = fc.constantFrom(...hosts);

/** What people, hosts and time may do to a fleet. */
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("declare" as const), api: ref, web: ref }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 90 }) }) },
  fc.record({ do: fc.constant("open" as const), channel, ref }),
  fc.record({ do: fc.constant("undo" as const), channel }),
  fc.record({ do: fc.constantFrom("abort" as const, "retry" as const), channel }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("tell" as const),
      channel,
      type: fc.constantFrom("rollout.pause", "rollout.resume", "rollout.promote", "rollout.cancel", "wave.approve"),
    }),
  },
  fc.record({ do: fc.constant("clear" as const), channel, ref }),
  fc.record({ do: fc.constantFrom("freeze" as const, "thaw" as const) }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("leave" as const, "return" as const, "reboot" as const), host }),
  },
  fc.record({ do: fc.constant("forget" as const), host }),
  fc.record({ do: fc.constant("excuse" as const), channel, host }),
  fc.record({ do: fc.constantFrom("cordon" as const, "uncordon" as const), host }),
  fc.record({ do: fc.constant("restart" as const) }),
);
type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never;

function declaration({ api, web }: { api: string; web: string }) {
  return {
    channels: { api: { ref: api, policy: "careful" }, web: { ref: web, policy: "quick" } },
    hosts: {
      "api-1": { channel: "api", tags: ["canary"] },
      "api-[2-3]": { channel: "api", tags: ["rack"] },
      "web-[1-4]": { channel: "web", tags: ["rack"] },
    },
    policies: {
      careful: {
        onHealthFailure: "rollback-all",
        waves: [
          { name: "canary", hosts: { tags: ["canary"] }, soak: "5m" },
          { name: "rest", hosts: { all: true }, soak: "10m" },
        ],
      },
      quick: { maxFailures: "25%", excusedMaxPct: 50 },
    },
    budgets: [{ hosts: { tags: ["rack"] }, maxInFlight: 2 }],
    retention: "4h",
  };
}

async function act(world: FleetWorld, asked: Deed): Promise<unknown> {
  const { control, agents } = world;
  const newestOf = async (name: string) =>
    (await control.rollouts({ channel: name, limit: 1 }))[0]?.rolloutId ?? "none";
  switch (asked.do) {
    case "declare":
      return world.declare(declaration(asked));
    case "wait":
      return world.advance(asked.minutes * minutes);
    case "open":
      return control.open(asked, ann);
    case "undo":
      return control.undo(asked.channel, {}, ann);
    case "abort":
      return control.abort(await newestOf(asked.channel), {}, ann);
    case "retry":
      return control.retry(await newestOf(asked.channel), { reason: "chaos" }, ann);
    case "tell":
      return world.send(await newestOf(asked.channel), asked.type);
    case "clear":
      return world.send(`channel/${asked.channel}`, "quarantine.cleared", { ref: asked.ref, reason: "chaos" });
    case "freeze":
      return world.send("line", "line.freeze");
    case "thaw":
      return world.send("line", "line.thaw");
    case "leave":
      return (agents.of(asked.host).isOnline = false);
    case "return":
      return (agents.of(asked.host).isOnline = true);
    case "reboot":
      return agents.of(asked.host).reboot();
    case "forget":
      return agents.of(asked.host).forget();
    case "excuse":
      return control.excuse(await newestOf(asked.channel), asked.host, { reason: "chaos" }, ann);
    case "cordon":
      return world.send(`node/${asked.host}`, "node.cordon");
    case "uncordon":
      return world.send(`node/${asked.host}`, "node.uncordon");
    case "restart":
      return world.restart();
    default:
      return asked satisfies never;
  }
}

/** Nobody holds anything any more, and everybody is there. */
async function calm(world: FleetWorld): Promise<void> {
  for (const name of hosts) {
    world.agents.of(name).isOnline = true;
    world.agents.of(name).reboot();
    await tolerant(world.send(`node/${name}`, "node.uncordon"));
  }
  await tolerant(world.send("line", "line.thaw"));
}

/** What is refused, or not there, was a thing that somebody may well ask. */
async function tolerant(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const isTolerable =
      isSignalboxError(error, "not-found") ||
      isSignalboxError(error, "event-refused") ||
      isSignalboxError(error, "too-many-requests");
    if (!isTolerable) throw error;
  }
}

it("stays sound whatever people, hosts and time do to it, and a new ref goes through in the end", {
  timeout: 3_600_000, // a run takes a second, and a failure is shrunk
}, async () => {
  const worldOf = fc.record({
    deeds: fc.array(deed, { minLength: 5, maxLength: 40 }),
    fates: fc.array(fc.constantFrom(...fates), { minLength: 28, maxLength: 28 }),
  });

  await fc.assert(
    fc.asyncProperty(worldOf, async ({ deeds, fates: drawn }) => {
      const fateOf = (name: string, version: string) => {
        const of = refs.indexOf(version as (typeof refs)[number]);
        return (of < 0 ? undefined : drawn[hosts.indexOf(name) * refs.length + of]) ?? "good"; // v5 is good everywhere
      };
      const world = await createFleetWorld({ hosts, fateOf });
      for (const name of hosts)
        await world.engine.create({ machine: "nodeMaintenance", id: `node/${name}`, input: { node: name } });
      await world.declare(declaration({ api: "v1", web: "v1" }));

      for (const each of deeds) {
        await tolerant(act(world, each));
        await world.settle();
        await expectSound(world);
      }
      await calm(world);
      await world.declare(declaration({ api: "v5", web: "v5" }));
      await world.advance(4 * hours);

      expect(await world.stateOf("api@v5")).toBe("Terminal");
      expect(await world.stateOf("web@v5")).toBe("Terminal");
      expect(world.agents.running()).toEqual(Object.fromEntries(hosts.map((name) => [name, "v5"])));
      await expectSound(world);
      await world.control.stop();
    }),
    { numRuns: runs(15) },
  );
});
