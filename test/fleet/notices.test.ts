import { describe, expect, it } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createNotices } from "../../src/fleet/notices.ts";
import { host } from "../../machines/host/host.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { createEngine } from "../../src/engine/engine.ts";

const turns = Array.from({ length: 20 }, (_, turn) => turn);

describe("notices", () => {
  it.each(turns)(
    "are told without waiting for the next one, also %i turns after the one before was heard",
    async (turn) => {
      const clock = virtualClock(1_000_000);
      const engine = createEngine({ machines: [host], store: memoryStore(), clock });
      const hosts = ["stable@v1/web-1", "stable@v1/web-2"] as const;
      for (const id of hosts) {
        const input = { rolloutId: "stable@v1", host: id.slice(-5), channel: "stable", target: "v1", wave: 0 };
        await engine.create({ machine: "host", id, input });
      }
      const sent = Promise.withResolvers<void>();
      const watched: typeof engine = {
        ...engine,
        async transactAsEngine(...asked) {
          const outcome = await engine.transactAsEngine(...asked);
          sent.resolve();
          return outcome;
        },
      };
      const notices = createNotices({ engine: watched, clock, log: silentLog });

      notices.tell(hosts[0], { type: "host.unreachable" });
      await sent.promise;
      for (let passed = 0; passed < turn; passed += 1) await Promise.resolve();
      notices.tell(hosts[1], { type: "host.unreachable" });
      await notices.told();

      const versions = await Promise.all(hosts.map(async (id) => (await engine.read(id)).version));
      await Promise.all([notices.stop(), engine.stop()]);
      expect(versions).toEqual([2, 2]);
    },
  );
});
