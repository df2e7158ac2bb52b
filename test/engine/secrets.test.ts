import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { activity } from "../../src/core/activity.ts";
import type { Log } from "../../src/core/log.ts";
import { sentBy, type EventsOf, type Machine } from "../../src/core/machine.ts";
import type { Activity } from "../../src/core/provider.ts";
import { drawSvg } from "../../src/diagram/svg.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";

const planted = "correct-horse-battery-staple";
const events = { "login.tried": sentBy("provider", { said: z.string() }) } as const;

/** Logs in with a password that it only has a reference to. */
const login: Machine = {
  name: "login",
  chart: setup({
    types: {
      events: {} as EventsOf<typeof events>,
      input: {} as { password: string } & { at: number },
      context: {} as { password: string },
    },
    actors: { logIn: activity<{ headers: { password: { secret: string } } }, unknown>() },
  }).createMachine({
    id: "login",
    options: { maxIterations: 10 },
    context: ({ input }) => ({ password: input.password }),
    initial: "LoggingIn",
    states: {
      LoggingIn: {
        invoke: {
          id: "logIn",
          src: "logIn",
          input: ({ context }) => ({ headers: { password: { secret: context.password } } }),
          onDone: "LoggedIn",
          onError: "Failed",
        },
        on: { "login.tried": { description: "It says what it does." } },
      },
      LoggedIn: {},
      Failed: {},
    },
  }),
  input: z.strictObject({ password: z.string() }),
  events,
  laws: {},
  examples: () => [],
  abstract: () => ({}),
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "signalbox-test-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  delete process.env["SIGNALBOX_TEST_SECRET"];
});

async function logInWith(password: string, perform: Activity) {
  const logged: string[] = [];
  const keep = (fields: object, message: string) => void logged.push(JSON.stringify(fields), message);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const clock = virtualClock(0);
  const store = sqliteStore(join(directory, "signalbox.db"));
  const engine = createEngine({
    machines: [login],
    store,
    clock,
    log,
    providers: [{ name: "site", activities: { logIn: perform } }],
  });
  await engine.create({ machine: "login", id: "login/1", input: { password } });
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await engine.runOnce();
    await clock.advance(60_000);
  }
  const told = [await engine.explain("login/1"), await engine.journal(), await engine.pending(), await engine.list()];
  await store.close();
  const stored = readdirSync(directory).map((file) => readFileSync(join(directory, file), "latin1"));
  return { state: told[0], everything: [...logged, ...stored, JSON.stringify(told), await drawSvg(login)].join("\n") };
}

describe("a secret of a call", () => {
  it("reaches the provider, and nothing else: not the journal, a log, a view, the database, a picture", async () => {
    process.env["SIGNALBOX_TEST_SECRET"] = planted;
    const given: unknown[] = [];
    const perform: Activity<{ headers: unknown }> = async (input, call) => {
      given.push(input);
      await call.report({ type: "login.tried", said: `using ${planted}` });
      if (given.length === 1) throw new Error(`${planted} was not taken`);
      return { answer: [`hello ${planted}`], [planted]: true };
    };

    const { everything } = await logInWith("env:SIGNALBOX_TEST_SECRET", perform);

    expect(given).toEqual([{ headers: { password: planted } }, { headers: { password: planted } }]);
    expect(everything).toContain("[env:SIGNALBOX_TEST_SECRET] was not taken");
    expect(everything).toContain("hello [env:SIGNALBOX_TEST_SECRET]");
    expect(everything).not.toContain(planted);
  });

  it("is read from a file at each attempt, so that a new one is used", async () => {
    const path = join(directory, "password");
    writeFileSync(path, "the first one\n");
    const given: unknown[] = [];
    const perform: Activity<{ headers: { password: string } }> = async ({ headers }) => {
      given.push(headers.password);
      writeFileSync(path, "the second one\n");
      if (given.length === 1) throw new Error("not yet");
    };

    await logInWith(`file:${path}`, perform);

    expect(given).toEqual(["the first one", "the second one"]);
  });

  it("that is not there fails the call and says which one", async () => {
    const { everything } = await logInWith("env:SIGNALBOX_TEST_SECRET", async () => expect.unreachable());

    expect(everything).toContain("The secret env:SIGNALBOX_TEST_SECRET is not set");
  });
});
