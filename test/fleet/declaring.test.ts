import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { DeclarationSource } from "../../src/fleet/declaration-watch.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { committedFile } from "../../src/providers/git-head.ts";
import { ann, createFleetWorld, hours, minutes } from "./fleet-world.ts";
import { expectSound } from "./sound.ts";

const hosts = ["web-1", "web-2", "api-1"];

function declaration(refs: { web: string; api: string }, more: Record<string, unknown> = {}) {
  return {
    channels: { web: { ref: refs.web, policy: "quick" }, api: { ref: refs.api, policy: "quick" } },
    hosts: { "web-[1-2]": { channel: "web" }, "api-1": { channel: "api" } },
    policies: { quick: {} },
    ...more,
  };
}

describe("a declaration", () => {
  it("opens a rollout for each channel whose ref has changed, and for no other", async () => {
    const world = await createFleetWorld({ hosts });
    await world.declare(declaration({ web: "v1", api: "v1" }));
    await world.advance(10 * minutes);

    const compared = await world.control.compare(parseFleet(declaration({ web: "v2", api: "v1" })));
    const applied = await world.declare(declaration({ web: "v2", api: "v1" }));

    const change = { channel: "web", ref: "v2", from: "v1", hosts: 2 };
    expect(compared).toMatchObject({ rollouts: [{ ...change, rolloutId: null }] });
    expect(applied.rollouts).toEqual([{ ...change, rolloutId: "web@v2" }]);
    expect(applied.difference.channels).toEqual([{ channel: "web", from: "v1", to: "v2" }]);
    expect(world.control.fleet()?.hash).toBe(applied.hash);
    await expectSound(world);
  });

  it("opens nothing when it is applied again, also where somebody has gone back since", async () => {
    const world = await createFleetWorld({ hosts });
    await world.declare(declaration({ web: "v1", api: "v1" }));
    await world.advance(10 * minutes);
    await world.declare(declaration({ web: "v2", api: "v1" }));
    await world.advance(1 * minutes);
    await world.control.abort("web@v2", {}, ann);
    await world.advance(10 * minutes);

    const again = await world.declare(declaration({ web: "v2", api: "v1" }));
    const elsewhere = await world.declare(declaration({ web: "v2", api: "v2" }));

    const why = expect.stringMatching(/^v2 was declared already, and somebody has taken web to v1 since\./);
    const stays = { channel: "web", ref: "v2", from: "v1", hosts: 2, rolloutId: null, why };
    expect(again.rollouts).toEqual([stays]);
    expect(elsewhere.rollouts).toEqual([
      { channel: "api", ref: "v2", from: "v1", hosts: 1, rolloutId: "api@v2" },
      stays,
    ]);
  });

  it("is applied once under one key, and tells the same again", async () => {
    const world = await createFleetWorld({ hosts });
    const document = declaration({ web: "v1", api: "v1" });
    const asked = { principal: "ann", commandId: "c1", fingerprint: "POST /v1/fleet" };

    const first = await world.control.apply(parseFleet(document), document, asked);
    await world.advance(10 * minutes);
    await world.declare(declaration({ web: "v2", api: "v1" }));
    const again = await world.control.apply(parseFleet(document), document, asked);

    expect(again).toMatchObject({
      replayed: true,
      hash: first.hash,
      version: first.version,
      rollouts: first.rollouts,
    });
    expect((await world.control.rollouts({ limit: 10 })).map(({ rolloutId }) => rolloutId)).toHaveLength(3);
  });

  it("holds after a restart, and what was opened goes on", async () => {
    const world = await createFleetWorld({ hosts });
    const { hash } = await world.declare(declaration({ web: "v1", api: "v1" }));
    await world.settle();

    await world.restart();
    const { rollouts } = await world.declare(declaration({ web: "v1", api: "v1" }));
    await world.advance(1 * hours);

    expect(world.control.fleet()?.hash).toBe(hash);
    expect(rollouts).toEqual([]);
    expect([await world.stateOf("web@v1"), await world.stateOf("api@v1")]).toEqual(["Terminal", "Terminal"]);
  });

  it("is asked for before anything can be opened, and names the channels that there are", async () => {
    const world = await createFleetWorld();

    await expect(world.control.open({ channel: "web" }, ann)).rejects.toMatchObject({ code: "not-found" });
    await world.declare(declaration({ web: "v1", api: "v1" }));

    await expect(world.control.open({ channel: "db" }, ann)).rejects.toThrow(/There is no channel "db".*api, web/);
    await expect(world.control.rollout("db@v1")).rejects.toMatchObject({ code: "not-found" });
    await expect(world.control.explainHost("web@v1", "db-1")).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a watched declaration", () => {
  it("is applied when it changes; a faulty one is told, and the one before holds", async () => {
    const world = await createFleetWorld({ hosts });
    let text = JSON.stringify(declaration({ web: "v1", api: "v1" }));
    const source: DeclarationSource = {
      name: "fleet.yaml",
      revision: async () => String(text.length) + text.slice(0, 60),
      read: async () => text,
    };
    await world.control.watch(source);
    await world.advance(5 * minutes);
    const first = world.control.fleet()?.channels.get("web")?.ref;

    text = JSON.stringify(declaration({ web: "v2", api: "v1" }, { policies: {} }));
    await world.advance(1 * minutes);
    const fault = world.control.declarationFault();
    const held = world.control.fleet()?.channels.get("web")?.ref;
    text = JSON.stringify(declaration({ web: "v3", api: "v1" }));
    await world.advance(5 * minutes);

    expect([first, held]).toEqual(["v1", "v1"]);
    expect(fault).toMatchObject({ source: "fleet.yaml", detail: expect.stringContaining("policies") });
    expect(world.control.declarationFault()).toBeNull();
    expect(await world.stateOf("web@v3")).toBe("Terminal");
    await expectSound(world);
  });

  it("is looked for again when it cannot be read", async () => {
    const world = await createFleetWorld({ hosts });
    let text: string | undefined;
    const read = async () => text ?? Promise.reject(new Error("no such file"));
    await world.control.watch({ name: "fleet.yaml", revision: read, read });
    const fault = world.control.declarationFault();

    text = JSON.stringify(declaration({ web: "v1", api: "v1" }));
    await world.advance(1 * minutes);

    expect(fault).toMatchObject({ revision: null, detail: expect.stringContaining("no such file") });
    expect(world.control.fleet()?.channels.get("web")?.ref).toBe("v1");
  });
});

describe("a committed file", () => {
  it("is what HEAD has of it in a git work tree, and another revision only when that changes", async () => {
    const place = temporary();
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: place });
    git("init", "--quiet");
    writeFileSync(join(place, "fleet.yaml"), "one");
    git("add", ".");
    git("commit", "--quiet", "--message", "one");
    const file = committedFile(join(place, "fleet.yaml"));
    const first = await file.revision();

    writeFileSync(join(place, "fleet.yaml"), "two");
    const uncommitted = [await file.revision(), await file.read()];
    git("commit", "--quiet", "--all", "--message", "two");

    expect(first).toMatch(/^git:[0-9a-f]{40}$/);
    expect(uncommitted).toEqual([first, "one"]);
    expect(await file.revision()).not.toBe(first);
    expect(await file.read()).toBe("two");
  });

  it("is not taken from the file when git will not read its repository", async () => {
    const place = temporary();
    execFileSync("git", ["init", "--quiet"], { cwd: place });
    writeFileSync(join(place, "fleet.yaml"), "nobody's word");
    writeFileSync(join(place, ".git", "config"), "[broken");
    const file = committedFile(join(place, "fleet.yaml"));

    await expect(file.revision()).rejects.toThrow("git cannot say what is committed: fatal: bad config");
    await expect(file.read()).rejects.toThrow("git cannot say what is committed");
  });

  it("is the file itself where git knows nothing of it", async () => {
    const place = temporary();
    writeFileSync(join(place, "fleet.yaml"), "one");
    const file = committedFile(join(place, "fleet.yaml"));

    const first = await file.revision();
    writeFileSync(join(place, "fleet.yaml"), "three");

    expect(first).toMatch(/^file:/);
    expect(await file.revision()).not.toBe(first);
    expect(await file.read()).toBe("three");
  });
});

function temporary(): string {
  const place = mkdtempSync(join(tmpdir(), "signalbox-fleet-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  return place;
}
