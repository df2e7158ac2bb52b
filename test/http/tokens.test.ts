import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { request } from "node:http";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import type { Authenticate } from "../../src/http/authentication.ts";
import { authenticateByTokens } from "../../src/http/token-authentication.ts";
import { parseTokens, tokensText } from "../../src/operations/token.ts";
import { systemClock } from "../../src/providers/system-clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { bearer, createGuardedSite, tokenFor } from "./guarded-site.ts";
import { createSite } from "./site.ts";

const dayMs = 86_400_000;
const path = "/v1/machines";

/** Each is made of a token that is good. */
const malformed: Readonly<Record<string, (token: string) => string>> = {
  "no scheme": (token) => token,
  "another scheme": (token) => `Token ${token}`,
  "Basic, with the token as password": (token) => `Basic ${Buffer.from(`:${token}`).toString("base64")}`,
  "the scheme alone": () => "Bearer",
  "the scheme and blanks": () => "Bearer   ",
  nothing: () => "",
  "no blank": (token) => `Bearer${token}`,
  "a tab": (token) => `Bearer\t${token}`,
  "the token twice": (token) => `Bearer ${token} ${token}`,
  "two credentials": (token) => `Bearer ${token}, Bearer ${token}`,
  "a parameter": (token) => `Bearer token=${token}`,
  quotes: (token) => `Bearer "${token}"`,
  "a letter less": (token) => `Bearer ${token.slice(0, -1)}`,
  "a letter more": (token) => `Bearer ${token}A`,
  padding: (token) => `Bearer ${token}=`,
  "its last letter changed": (token) => `Bearer ${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`,
  "its first letter changed": (token) => `Bearer ${token.replace(/^s/, "S")}`,
  "the id in upper case": (token) =>
    `Bearer ${token.replace(/_[0-9a-f]{12}_/, (id) => id.toUpperCase().replace(/\d{12}/, "ABCDEF123456"))}`,
  "another id": (token) => `Bearer ${token.replace(/_[0-9a-f]{12}_/, "_000000000000_")}`,
  "no secret": (token) => `Bearer ${token.slice(0, 23)}`,
  "the id alone": (token) => `Bearer ${token.slice(10, 22)}`,
  "the digest in place of the token": (token) => `Bearer ${createHash("sha256").update(token).digest("hex")}`,
  "the digest in place of the secret": (token) =>
    `Bearer ${token.slice(0, 23)}${createHash("sha256").update(token).digest("base64url")}`,
  "percent-encoding": (token) => `Bearer ${token.replace("_", "%5F")}`,
  "a letter that is not ASCII": (token) => `Bearer ${token}é`,
  null: () => "Bearer null",
  undefined: () => "Bearer undefined",
  "a name of every object": () => "Bearer __proto__",
  JSON: (token) => `Bearer ${JSON.stringify({ token })}`,
  "8,000 letters": () => `Bearer ${"a".repeat(8_000)}`,
  "8,000 letters after a good one": (token) => `Bearer ${token}${"a".repeat(8_000)}`,
  "a JWT without a signature": () => "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
};

describe("a token", () => {
  it("is taken as a bearer token, in any case of the scheme, and its answer is of its principal", async () => {
    const site = await createGuardedSite();
    const { viewer } = await site.admit("viewer");

    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const { status } = await site.ask("GET", path, { headers: { Authorization: `${scheme} ${viewer}` } });
      expect(status).toBe(200);
    }
  });

  it.each(Object.keys(malformed))("is refused when it comes as %s", async (kind) => {
    const site = await createGuardedSite();
    const { admin } = await site.admit("admin");

    const { status, body, headers } = await site.ask("GET", path, {
      headers: { Authorization: malformed[kind]?.(admin) ?? "" },
    });

    expect([status, body.code]).toEqual([401, "unauthenticated"]);
    expect(headers["www-authenticate"]).toBe('Bearer realm="signalbox", error="invalid_token"');
  });

  it("is refused when it comes twice, in the query, in a cookie, in a header of its own or in the body", async () => {
    const site = await createGuardedSite();
    const { admin } = await site.admit("admin");

    const twice = await twoHeaders(site.url, path, `Bearer ${admin}`);
    const others = [
      await site.ask("GET", `${path}?access_token=${admin}`),
      await site.ask("GET", path, { headers: { Cookie: `token=${admin}` } }),
      await site.ask("GET", path, { headers: { "X-Api-Key": admin, "Proxy-Authorization": `Bearer ${admin}` } }),
      await site.ask("POST", "/v1/verify", { body: { token: admin } }),
    ];

    expect(twice).toBe(400);
    for (const { status, headers } of others) {
      expect([status, headers["www-authenticate"]]).toEqual([401, 'Bearer realm="signalbox"']);
    }
  });

  it("is asked for before the body is read", async () => {
    const site = await createGuardedSite();
    const { viewer } = await site.admit("viewer");
    const raw = "{ this is no JSON";
    const headers = { "Content-Type": "application/json" };

    const stranger = await site.ask("POST", "/v1/instances", { raw, headers });
    const reader = await site.ask("POST", "/v1/instances", { raw, headers: { ...headers, ...bearer(viewer) } });

    expect([stranger.status, reader.status]).toEqual([401, 403]);
  });

  it("counts until it runs out, and is told so then", async () => {
    const site = await createGuardedSite();
    const { token, entry } = tokenFor("viewer", dayMs);
    site.write(tokensText([entry]));
    await site.clock.advance(dayMs - 1);

    const before = await site.ask("GET", path, { headers: bearer(token) });
    await site.clock.advance(1);
    const after = await site.ask("GET", path, { headers: bearer(token) });

    expect([before.status, after.status]).toEqual([200, 401]);
    expect(after.body.detail).toContain(`ran out at ${entry.expiresAt}`);
  });

  it("is in nothing that is logged, and not in an answer", async () => {
    const site = await createGuardedSite();
    const { admin } = await site.admit("admin");
    const secret = admin.slice(23);

    const answers = [
      await site.ask("GET", path, { headers: { Authorization: `Bearer ${admin}A` } }),
      await site.ask("GET", path, { headers: { Authorization: admin } }),
      await site.ask("GET", path, { headers: { ...bearer(admin), "X-Request-Id": "!" } }),
    ];

    expect(site.logged.filter((line) => line.includes("was not let in"))).toHaveLength(2);
    for (const text of [...site.logged, ...answers.map((each) => each.text)]) expect(text).not.toContain(secret);
  });
});

describe("a token file that changes", () => {
  it("is seen within a second: what is added is taken, what is revoked is not", async () => {
    const site = await createGuardedSite();
    const first = tokenFor("viewer");
    const second = tokenFor("operator");
    const statuses = async () =>
      Promise.all(
        [first, second].map(async ({ token }) => (await site.ask("GET", path, { headers: bearer(token) })).status),
      );

    site.write(tokensText([first.entry]));
    await site.clock.advance(1_000);
    expect(await statuses()).toEqual([200, 401]);
    site.write(tokensText([second.entry]));
    await site.clock.advance(1_000);
    expect(await statuses()).toEqual([401, 200]);
  });

  it("counts as it last was while it is broken, open to others or gone, and the log says so once", async () => {
    const site = await createGuardedSite();
    const { viewer } = await site.admit("viewer");
    await site.ask("GET", path, { headers: bearer(viewer) });
    const good = tokensText([]);
    const spoil: (() => void)[] = [
      () => site.write("{"),
      () => {
        site.write(good);
        chmodSync(site.path, 0o666);
      },
      () => rmSync(site.path),
    ];

    for (const each of spoil) {
      site.logged.length = 0;
      each();
      for (let asked = 0; asked < 3; asked += 1) {
        await site.clock.advance(1_000);
        expect((await site.ask("GET", path, { headers: bearer(viewer) })).status).toBe(200);
      }
      expect(site.logged.filter((line) => line.includes("the last good one counts"))).toHaveLength(1);
    }
    site.write(good);
    await site.clock.advance(1_000);
    expect((await site.ask("GET", path, { headers: bearer(viewer) })).status).toBe(401);
  });

  it("tells a stream when its token was revoked, got another role or ran out", async () => {
    const site = await createGuardedSite();
    const { token, entry } = tokenFor("viewer", dayMs);
    site.write(tokensText([entry]));
    const clock = site.clock;
    await clock.advance(1_000);
    const authenticate = authenticateByTokens({ path: site.path, clock, log: silentLog });
    const identity = await authenticate({ headers: { authorization: `Bearer ${token}` } } as never);

    expect(identity?.isStillValid?.()).toBe(true);
    site.write(tokensText([{ ...entry, role: "admin" }]));
    await clock.advance(1_000);
    expect(identity?.isStillValid?.()).toBe(false);
    site.write(tokensText([entry]));
    await clock.advance(1_000);
    expect(identity?.isStillValid?.()).toBe(true);
    await clock.advance(dayMs);
    expect(identity?.isStillValid?.()).toBe(false);
  });
});

describe("a token file", () => {
  const { entry } = tokenFor("viewer");

  it("is refused with every fault at once", () => {
    const faulty = [
      { ...entry, principal: "", role: "root", sha256: "abc" },
      { ...entry, createdAt: "yesterday", token: "x" },
      { ...entry, id: "X", principal: "engine" },
      { ...entry, id: "000000000000", role: "agent:a/b", principal: "a\nb" },
    ];

    expect(faultsOf(JSON.stringify({ tokens: faulty, admins: [] }))).toEqual([
      "/admins",
      "/tokens/0/principal",
      "/tokens/0/role",
      "/tokens/0/sha256",
      "/tokens/1/createdAt",
      "/tokens/1/id",
      "/tokens/1/token",
      "/tokens/2/id",
      "/tokens/2/principal",
      "/tokens/3/principal",
      "/tokens/3/role",
    ]);
  });

  it("is refused when it is no JSON, or another JSON", () => {
    for (const text of ["", "{", "null", "[]", "{}", '{"tokens":{}}', '{"tokens":[null]}', '{"tokens":["a"]}']) {
      expect(() => parseTokens(text), text).toThrow(/token file/);
    }
    expect(parseTokens(tokensText([entry]))).toEqual([entry]);
  });

  it("has to be there and to be its owner's alone to write, for a server to start with it", async () => {
    const site = await createGuardedSite();
    const start = (path: string) => () => authenticateByTokens({ path, clock: systemClock(), log: silentLog });

    expect(start(`${site.path}.none`)).toThrow(/cannot be read: ENOENT/);
    expect(start(dirname(site.path))).toThrow(/cannot be read: EISDIR/);
    for (const mode of [0o602, 0o620, 0o666]) {
      chmodSync(site.path, mode);
      expect(start(site.path)).toThrow(/can be written to by others.*chmod go-w/);
    }
    chmodSync(site.path, 0o644);
    expect(start(site.path)).not.toThrow();
  });
});

describe("an address that fails again and again", () => {
  it("gets 429 after 60 times within a minute, while a good token is taken all the same", async () => {
    const site = await createGuardedSite();
    const { viewer } = await site.admit("viewer");
    const fail = async () => (await site.ask("GET", path, { headers: bearer("guess") })).status;
    await site.clock.advance(60_000);

    const statuses: number[] = [];
    for (let failure = 0; failure < 62; failure += 1) statuses.push(await fail());
    const limited = await site.ask("GET", path, { headers: bearer("guess") });
    const good = await site.ask("GET", path, { headers: bearer(viewer) });
    await site.clock.advance(60_000);

    expect(statuses).toEqual([...Array.from({ length: 60 }, () => 401), 429, 429]);
    expect([limited.body.code, limited.headers["retry-after"]]).toEqual(["too-many-requests", "60"]);
    expect(good.status).toBe(200);
    expect(await fail()).toBe(401);
  });
});

describe("an embedder's own authentication", () => {
  const byHeader: Authenticate = async ({ headers }) => {
    const user = headers["x-user"];
    return typeof user === "string" ? { principal: user, role: user === "root" ? "admin" : "viewer" } : undefined;
  };

  it("says who asks", async () => {
    const site = await createSite({ authenticate: byHeader });
    const create = { machine: "counter", id: "c", input: {} };

    const made = await site.post("/v1/instances", create, { "X-User": "root" });
    const refused = await site.post("/v1/instances", create, { "X-User": "carol" });
    const unknown = await site.get(path);

    expect([made.status, refused.status, unknown.status]).toEqual([201, 403, 401]);
    expect((await site.engine.journal({ instance: "c" })).entries[0]).toMatchObject({ principal: "root" });
  });

  it.each([
    ["a role that is none", { principal: "x", role: "root" }],
    ["a name that is the engine's", { principal: "engine", role: "admin" }],
    ["no name", { principal: "", role: "admin" }],
  ])("lets nobody in with %s", async (_, identity) => {
    const site = await createSite({ authenticate: () => identity as never });

    expect((await site.get(path)).status).toBeGreaterThanOrEqual(400);
    expect((await site.get("/livez")).status).toBe(200);
  });

  it("does not keep what is open from being answered when it fails", async () => {
    const site = await createSite({
      authenticate: () => {
        throw new Error("the directory of people is away");
      },
    });

    expect((await site.get("/livez", { Authorization: "Bearer x" })).status).toBe(200);
    const { status, text } = await site.get(path);
    expect(status).toBe(500);
    expect(text).not.toContain("directory of people");
  });
});

describe("without authentication", () => {
  const hosts = {
    taken: ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:4100", "127.1.2.3", "[::1]", "[::1]:4100"],
    refused: [
      "example.org",
      "localhost.example.org",
      "127.0.0.1.example.org",
      "0.0.0.0:4100",
      "192.168.0.1",
      "[::]",
      "[2001:db8::1]:80",
      "localhost:80@example.org",
    ],
  };

  it("only requests to a loopback name are answered, whatever a name was made to point at", async () => {
    const site = await createSite();
    const codes = async (names: readonly string[]) => {
      const answers: unknown[] = [];
      for (const host of names) {
        const { status, body } = await site.get(path, { Host: host });
        answers.push(status === 200 ? 200 : body.code);
      }
      return answers;
    };

    expect(await codes(hosts.taken)).toEqual(hosts.taken.map(() => 200));
    expect(await codes(hosts.refused)).toEqual(hosts.refused.map(() => "forbidden"));
  });

  it("what is open is answered under any name: it tells nothing", async () => {
    const site = await createSite();

    expect((await site.get("/livez", { Host: "example.org" })).status).toBe(200);
    expect((await site.get("/readyz?verbose=true", { Host: "example.org" })).status).toBe(401);
  });
});

describe("a page of another site", () => {
  const own = (url: string) => new URL(url).host;

  it("cannot have a browser change anything", async () => {
    const site = await createSite();
    await site.engine.create({ machine: "counter", id: "c", input: {} });
    const send = async (headers: Record<string, string>) =>
      (await site.post("/v1/instances/c/events", { type: "inc" }, headers)).status;

    const origin = `http://${own(site.url)}`;
    expect(await send({ "Sec-Fetch-Site": "cross-site", Origin: "https://example.org" })).toBe(403);
    expect(await send({ "Sec-Fetch-Site": "same-site", Origin: "http://localhost:3000" })).toBe(403);
    expect(await send({ "Sec-Fetch-Site": "cross-site", Origin: origin })).toBe(403);
    expect(await send({ Origin: "https://example.org" })).toBe(403);
    expect(await send({ Origin: "null" })).toBe(403);
    expect(await send({ Origin: "http://localhost:3000" })).toBe(403);
    expect((await site.engine.read("c")).version).toBe(1);

    expect(await send({ "Sec-Fetch-Site": "same-origin", Origin: "https://behind.a.proxy" })).toBe(200);
    expect(await send({ "Sec-Fetch-Site": "none" })).toBe(200);
    expect(await send({ Origin: origin })).toBe(200);
    expect(await send({})).toBe(200);
  });

  it("cannot read an answer, nor put it into a frame, and gets no leave by OPTIONS", async () => {
    const site = await createSite();
    const foreign = { Origin: "https://example.org", "Access-Control-Request-Method": "POST" };

    const read = await site.get(path, foreign);
    const asked = await site.ask("OPTIONS", "/v1/instances", { headers: foreign });

    for (const { headers } of [read, asked]) {
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      expect(headers).toMatchObject({
        "content-security-policy": expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'/),
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
      });
      expect(headers).not.toHaveProperty("x-powered-by");
    }
  });
});

function faultsOf(text: string): string[] {
  try {
    parseTokens(text);
    return [];
  } catch (error) {
    const { details } = error as { details: { errors: { pointer: string }[] } };
    return details.errors.map(({ pointer }) => pointer).toSorted();
  }
}

function twoHeaders(url: string, at: string, value: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${at}`, { agent: false, headers: { Authorization: [value, value] } });
    sent.on("error", reject);
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.end();
  });
}
