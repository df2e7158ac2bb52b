import { describe, expect, it } from "vitest";
import { createSeats } from "../../src/providers/processes/seats.ts";
import { createTurnsByKey } from "../../src/providers/processes/turns-by-key.ts";

const { signal } = new AbortController();
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("turns", () => {
  it("come one after the other under one key, and at once under two", async () => {
    const turns = createTurnsByKey();
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} begins`);
      await turn();
      seen.push(`${name} ends`);
    };

    await Promise.all([
      turns.take("a", signal, work("first")),
      turns.take("a", signal, work("second")),
      turns.take("b", signal, work("other")),
    ]);

    expect(seen).toEqual(["first begins", "other begins", "first ends", "second begins", "other ends", "second ends"]);
    await turn();
    expect(turns.isTaken("a")).toBe(false);
  });

  it("go on after work that failed", async () => {
    const turns = createTurnsByKey();
    const failing = turns.take("a", signal, () => Promise.reject(new Error("broken")));

    const next = turns.take("a", signal, async () => "done");

    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe("done");
  });

  it("are not overtaken by the one behind when the one between gives up", async () => {
    const turns = createTurnsByKey();
    const { promise: working, resolve: finish } = Promise.withResolvers<void>();
    const giveUp = new AbortController();
    const first = turns.take("a", signal, () => working);
    const second = turns.take("a", giveUp.signal, async () => "never").catch(() => "gave up");
    let hasThirdBegun = false;
    const third = turns.take("a", signal, async () => (hasThirdBegun = true));

    giveUp.abort();
    expect(await second).toBe("gave up");
    await turn();
    expect(hasThirdBegun).toBe(false);
    finish();
    await Promise.all([first, third]);
    expect(hasThirdBegun).toBe(true);
  });
});

describe("seats", () => {
  it("let so many work at once, and the others in line after them", async () => {
    const seats = createSeats(2);
    let working = 0;
    let most = 0;

    await Promise.all(
      Array.from({ length: 6 }, () =>
        seats.take(signal, async () => {
          most = Math.max(most, ++working);
          await turn();
          working -= 1;
        }),
      ),
    );

    expect(most).toBe(2);
  });

  it("are given back by those who fail and not taken by those who gave up", async () => {
    const seats = createSeats(1);
    const giveUp = new AbortController();
    const failing = seats
      .take(signal, () => turn().then(() => Promise.reject(new Error("broken"))))
      .catch(() => "failed");
    const waiting = seats.take(giveUp.signal, async () => "never").catch(() => "gave up");

    giveUp.abort();

    expect(await Promise.all([failing, waiting])).toEqual(["failed", "gave up"]);
    expect(await seats.take(signal, async () => "seated")).toBe("seated");
  });
});
