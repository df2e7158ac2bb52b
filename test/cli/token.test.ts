import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseTokens } from "../../src/operations/token.ts";
import { run, runHere, start, startServer, temporaryDirectory, type Ended } from "./processes.ts";

const directory = temporaryDirectory();
const inside = (name: string) => join(directory.path, name);
const token = (...args: string[]): Promise<Ended> => runHere(["token", ...args], "http://127.0.0.1:1");
const create = (file: string, principal: string, role: string, ...more: string[]): Promise<Ended> =>
  token("create", "--principal", principal, "--role", role, "--file", file, ...more);

afterAll(() => directory.remove());

describe("signalbox token", () => {
  it("makes a token, prints it once, and keeps no more than its digest in a file of its owner", async () => {
    const file = inside("made.json");

    const first = await create(file, "alice", "operator");
    const second = await create(file, "web-1", "agent:web-1", "--expires", "12h", "--json");

    expect(first.stdout).toMatch(/^signalbox_[0-9a-f]{12}_[\w-]{43}\n$/);
    expect(first.stderr).toMatch(/^token [0-9a-f]{12} of alice \(operator\) counts until .*; it is not shown again\n$/);
    const made = JSON.parse(second.stdout) as { token: string; createdAt: string; expiresAt: string };
    expect(made).toMatchObject({ principal: "web-1", role: "agent:web-1" });
    expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(12 * 3_600_000);
    const text = readFileSync(file, "utf8");
    expect(parseTokens(text).map(({ principal }) => principal)).toEqual(["alice", "web-1"]);
    for (const secret of [first.stdout.trim().slice(23), made.token.slice(23)]) expect(text).not.toContain(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("lists and revokes them", async () => {
    const file = inside("listed.json");
    await create(file, "alice", "viewer");
    await create(file, "bob", "admin");

    const listed = await token("list", "--file", file);
    const { items } = JSON.parse((await token("list", "--file", file, "--json")).stdout) as {
      items: { id: string; principal: string }[];
    };
    const [alice] = items;
    const revoked = await token("revoke", alice?.id ?? "", "--file", file);
    const again = await token("revoke", alice?.id ?? "", "--file", file);

    expect(listed.stdout).toMatch(/ID +PRINCIPAL +ROLE +CREATED +EXPIRES\n.* alice +viewer .*\n.* bob +admin /);
    expect(JSON.stringify(items)).not.toContain("sha256");
    expect([revoked.code, revoked.stdout]).toEqual([0, `revoked: ${alice?.id}\n`]);
    expect(parseTokens(readFileSync(file, "utf8")).map(({ principal }) => principal)).toEqual(["bob"]);
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining(`There is no token ${alice?.id}`)]);
  });

  it("says everything that does not fit, and makes nothing", async () => {
    const file = inside("none.json");

    const wrong = await create(file, "", "root", "--expires", "10y");
    const others = [
      await create(file, "engine", "admin"),
      await create(file, "a\nb", "admin"),
      await create(file, "a", "agent:"),
      await create(file, "a", "agent:x/y"),
      await create(file, "a", "admin", "--expires", "367d"),
      await create(file, "a", "admin", "--expires", "0d"),
      await token("create", "--principal", "a", "--role", "admin"),
      await token("list", "--file", file),
      await token("revoke", "x", "--file", file),
    ];

    expect(
      wrong.stderr
        .trimEnd()
        .split("\n")
        .map((line) => line.trim().split(":")[0]),
    ).toEqual(["signalbox", "--principal", "--role", "--expires"]);
    for (const { code, stdout } of [wrong, ...others]) expect([code, stdout]).toEqual([2, ""]);
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it("leaves a file alone that it cannot read, that others can write to, or that is being changed", async () => {
    const broken = inside("broken.json");
    const shared = inside("shared.json");
    const busy = inside("busy.json");
    writeFileSync(broken, '{"tokens":[{}]}', { mode: 0o600 });
    writeFileSync(shared, '{"tokens":[]}');
    writeFileSync(`${busy}.new`, "");
    chmodSync(shared, 0o664);

    const ends = [
      await create(broken, "a", "admin"),
      await create(shared, "a", "admin"),
      await create(busy, "a", "admin"),
    ];

    expect(ends.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(ends[0]?.stderr).toContain("/tokens/0/principal");
    expect(ends[1]?.stderr).toContain(`chmod go-w ${shared}`);
    expect(ends[2]?.stderr).toContain(`${busy}.new is there`);
    expect([readFileSync(broken, "utf8"), readFileSync(shared, "utf8")]).toEqual(['{"tokens":[{}]}', '{"tokens":[]}']);
    expect([existsSync(`${broken}.new`), existsSync(busy)]).toEqual([false, false]);
  });

  it("writes through a link, and keeps the mode of what is there", async () => {
    mkdirSync(inside("behind"));
    const target = inside("behind/tokens.json");
    writeFileSync(target, '{"tokens":[]}', { mode: 0o640 });
    symlinkSync(target, inside("link.json"));

    await create(inside("link.json"), "a", "admin");

    expect(parseTokens(readFileSync(target, "utf8"))).toHaveLength(1);
    expect(statSync(target).mode & 0o777).toBe(0o640);
  });
});

describe("signalbox serve --tokens", () => {
  it("listens anywhere, asks for a token, takes that of SIGNALBOX_TOKEN, and forgets one that is revoked", async () => {
    const file = inside("serve.json");
    const made = JSON.parse((await create(file, "alice", "operator", "--json")).stdout) as {
      id: string;
      token: string;
    };
    const server = await startServer(inside("data"), ["--tokens", file, "--host", "0.0.0.0"]);
    const url = server.url.replace("0.0.0.0", "127.0.0.1");

    const without = await runHere(["nodes"], url);
    const withIt = await run(["--url", url, "nodes", "--json"], { SIGNALBOX_TOKEN: made.token });
    await token("revoke", made.id, "--file", file);
    const ask = async () =>
      (await fetch(`${url}/v1/nodes`, { headers: { Authorization: `Bearer ${made.token}` } })).status;
    await expect.poll(ask).toBe(401);
    const { stderr } = await server.end("SIGTERM");

    expect([without.code, without.stderr]).toEqual([1, expect.stringMatching(/unauthenticated.*SIGNALBOX_TOKEN/)]);
    expect([withIt.code, JSON.parse(withIt.stdout)]).toEqual([0, { items: [] }]);
    expect(stderr).toContain("the token file was read again");
    expect(stderr).not.toContain(made.token.slice(23));
  });

  it("does not start with a file that is missing or broken", async () => {
    writeFileSync(inside("faulty.json"), '{"tokens":[{"id":"x"}]}', { mode: 0o600 });
    const args = (file: string) => ["serve", "--data", inside("never"), "--port", "0", "--tokens", inside(file)];

    const [missing, faulty] = await Promise.all([start(args("nowhere.json")).ended, start(args("faulty.json")).ended]);

    expect([missing.code, missing.stdout, faulty.code, faulty.stdout]).toEqual([2, "", 2, ""]);
    expect(missing.stderr).toContain("The token file cannot be read");
    expect(faulty.stderr).toContain("/tokens/0/sha256");
    expect(existsSync(inside("never"))).toBe(false);
  });
});
