import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { errorCatalogue, messageOf, type ErrorCode } from "../../src/core/errors.ts";
import type { Authenticate } from "../../src/http/authentication.ts";
import type { ControlPlane } from "../../src/fleet/control-plane.ts";
import { createControlPlane } from "../../src/fleet/create-control-plane.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { errorCodesOf } from "../../src/operations/error-codes.ts";
import { operations } from "../../src/operations/index.ts";
import { isStream, problemType, type Operation } from "../../src/operations/operation.ts";
import { isConditional } from "../../src/operations/openapi.ts";
import { parseFleet } from "../../src/planning/parse-fleet.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { runs } from "../support/runs.ts";
import { createWorld, startsAt, type World } from "../support/world.ts";
import { declarationOf } from "./fleet-site.ts";
import { shotsAt, type Shot } from "./hostile.ts";
import { createRawClient, type RawAnswer, type RawClient } from "./raw-client.ts";

const requestsMax = runs(100_000);
const requestsPerWorld = 1_000; // what they make of it stays small enough to be compared after each
const lanes = 4;
const ids =
  "node/alpha alpha beta node/beta maintenance-group/racks node/alpha#2:drainNode new stable@v1 web-1 stable v1 stable@v1/web-1".split(
    " ",
  );
const costly = ["verify", "metrics"]; // all that there is, told or checked again, and hardly a thing to be asked for it
const shots = fc.oneof(
  ...operations.map((each) => ({
    weight: each.permission === "open" || costly.includes(each.name) ? 1 : 10, // what tells nothing takes nothing either
    arbitrary: shotsAt(each, { machines, ids }),
  })),
);

it("answers whatever comes as it is documented, and changes nothing with a 4xx", { timeout: 3_600_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const worlds = Math.ceil(requestsMax / requestsPerWorld);
  let begun = 0;
  let residentBytes = 0;

  async function lane(): Promise<void> {
    for (let index = begun++; index < worlds; index = begun++) {
      const target = await createTarget(index % 2 === 0 ? undefined : byHeader);
      try {
        for (const [number, shot] of fc.sample(shots, { seed: seed + index, numRuns: requestsPerWorld }).entries()) {
          const fault = await fire(target, shot).then(
            (answer) => faultOf(target, shot, answer),
            (error: unknown) => messageOf(error),
          );
          if (fault !== undefined) {
            throw new Error(`${fault}\n(seed ${seed}, world ${index}, request ${number})\n${described(shot)}`);
          }
        }
        const { differences } = await target.engine.verify();
        expect(differences).toEqual([]);
      } finally {
        await target.end();
      }
      if (index === Math.floor(worlds / 5)) residentBytes = process.memoryUsage().rss;
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));

  expect(process.memoryUsage().rss - residentBytes).toBeLessThan(256 * 1_048_576);
});

/** Each is met on the way for certain, so that what is checked above is checked of all of them. */
const seeds: readonly (readonly [status: number, bytes: string])[] = [
  [200, "GET /v1/nodes HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [201, posted("/v1/instances", { machine: "nodeMaintenance", id: "new", input: { node: "new" } })],
  [200, posted("/v1/instances", { machine: "nodeMaintenance", id: "new", input: { node: "new" } })],
  [409, posted("/v1/instances", { machine: "nodeMaintenance", id: "new", input: { node: "newer" } })],
  [200, posted("/v1/nodes/new/cordon", {}, "Idempotency-Key: k")],
  [422, posted("/v1/nodes/new/uncordon", {}, "Idempotency-Key: k")],
  [412, posted("/v1/nodes/new/uncordon", {}, 'If-Match: "v1"')],
  [409, posted("/v1/nodes/new/maintenance/exit", {})],
  [403, posted("/v1/instances/new/events", { type: "xstate.init" })],
  [403, posted("/v1/nodes/new/cordon", {}, "Origin: https://example.org")],
  [400, posted("/v1/nodes/new/cordon", { at: 1 })],
  [404, posted("/v1/nodes/none/cordon", {})],
  [405, posted("/v1/nodes", {})],
  [413, posted("/v1/nodes/new/cordon", { reason: "x".repeat(262_144) })],
  [415, posted("/v1/nodes/new/cordon", {}).replace("application/json", "text/plain")],
  [200, posted("/v1/nodes/beta/maintenance/enter", {})],
  [403, posted("/v1/instances/maintenance-group%2Fracks/events?dryRun=true", { type: "slot.taken", node: "x" })],
  [202, posted("/v1/nodes/gamma/maintenance/enter", { queue: true })],
  [304, 'GET /v1/nodes/gamma HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "v1"\r\n\r\n'],
  [200, posted("/v1/fleet", { document: declarationOf("v2") })],
  [201, posted("/v1/rollouts", { channel: "stable" })],
  [200, "GET /v1/rollouts HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [204, "GET /v1/agent/dispatch?host=web-9&agent=a.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [400, posted("/v1/fleet", { document: { hosts: 1 } })],
  [204, "OPTIONS /v1/nodes HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [431, `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"l".repeat(17_000)}\r\n\r\n`],
  [417, "GET /livez HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\n\r\n"],
];

it("gets as far as every status that a client can bring about", async () => {
  const target = await createTarget(undefined);
  const group = { groups: ["racks"] };
  await target.engine.create({ machine: "nodeMaintenance", id: "node/gamma", input: { node: "gamma", ...group } });
  await target.store.look();

  const fired: unknown[] = [];
  for (const [status, bytes] of seeds) {
    const shot = { operation: operations[0] as Operation, bytes: Buffer.from(bytes), isHead: false };
    const answer = await fire(target, { ...shot, isOnTarget: false, isCut: false });
    expect(await faultOf(target, { ...shot, isOnTarget: false, isCut: false }, answer)).toBeUndefined();
    fired.push(answer === "closed" ? answer : [answer.status, status === answer.status ? "" : answer.text]);
  }
  await target.end();

  expect(fired).toEqual(seeds.map(([status]) => [status, ""]));
});

it("is caught when it changes something, fails, or tells of itself", async () => {
  const target = await createTarget(undefined);
  const ok = { status: 200, headers: new Map([["x-request-id", "r"]]), text: '{"status":"ok"}' };
  const shot = {
    operation: operations[0] as Operation,
    bytes: Buffer.from(""),
    isHead: false,
    isOnTarget: true,
    isCut: false,
  };
  const judged = (answer: RawAnswer | "closed") => faultOf(target, shot, answer);

  expect(await judged(ok)).toBeUndefined();
  expect(await judged("closed")).toContain("was not answered");
  expect(await judged({ ...ok, status: 500 })).toContain("it failed");
  expect(await judged({ ...ok, status: 404 })).toContain("no problem document");
  expect(await judged({ ...ok, status: 418, headers: new Map() })).toContain("nobody knows");
  expect(await judged({ ...ok, status: 201 })).toContain("does not say that it answers 201");
  expect(await judged({ ...ok, text: `at ${process.cwd()}` })).toContain("tells of the machine");
  expect(await judged({ ...ok, text: '{"status":"so so"}' })).toContain("does not fit its schema");
  await target.engine.send("node/alpha", { type: "node.cordon" });
  expect(await judged({ ...ok, status: 404 })).toContain("it changed something");
  await target.end();
});

it("waits for what an accepted request leaves to be told, before it judges the next one", async () => {
  const target = await createTarget(undefined);
  await target.fleet.excuse("stable@v1", "web-1", { reason: "it is repaired" }, { principal: "ann" });
  await target.store.look();

  target.fleet.seen("web-1"); // as a poll says it, whose answer does not wait for what follows
  const { before, after } = await target.store.look();
  const later = await target.store.look();
  await target.end();

  expect([before === after, later.before === later.after]).toEqual([false, true]);
});

it.each(["1.0", "2.0"])(
  "is answered before it hangs up, so that a change is not taken for one by a refusal: %s",
  async (version) => {
    const target = await createTarget(undefined);
    const bytes = Buffer.from(posted("/v1/fleet", { document: {} }).replace("HTTP/1.1", `HTTP/${version}`));
    const operation = operations.find(({ name }) => name === "apply-fleet") as Operation;
    const shot = { operation, bytes, isHead: false, isOnTarget: true, isCut: true };

    const answer = await fire(target, shot);
    const fault = await faultOf(target, shot, answer);
    await target.end();

    expect([answer === "closed" ? answer : answer.status, fault]).toEqual([200, undefined]);
  },
);

it("carries out a whole request of somebody who hangs up, and tells under the same key what came of it", async () => {
  const target = await createTarget(undefined);
  const bytes = Buffer.from(posted("/v1/fleet", { document: {} }, "Idempotency-Key: k"));
  const { hostname, port } = new URL(target.url);

  const left = connect({ host: hostname, port: Number(port) }).resume();
  left.end(bytes);
  await once(left, "close");
  const again = await target.client.ask(bytes);
  await target.end();

  expect(again).toMatchObject({ status: 200 });
  expect([...(again as RawAnswer).headers]).toContainEqual(["idempotency-replayed", "true"]);
});

/** A POST of JSON. */
function posted(path: string, body: object, ...headers: readonly string[]): string {
  const content = JSON.stringify(body);
  const lines = [`POST ${path} HTTP/1.1`, "Host: localhost", "Content-Type: application/json", ...headers];
  return [...lines, `Content-Length: ${content.length}`, "", content].join("\r\n");
}

interface Target extends World {
  fleet: ControlPlane;
  url: string;
  client: RawClient;
  store: WatchedStore;
  end(): Promise<void>;
}

/** Who asks is in a header of the test's own, so that every role is among them; nobody in one of eight. */
const byHeader: Authenticate = ({ headers }) => {
  const roles = ["admin", "admin", "admin", "operator", "approver", "viewer", "agent:alpha"] as const;
  const role = roles[(headers["x-request-id"]?.length ?? headers["idempotency-key"]?.length ?? 0) % 8];
  return role === undefined || headers.authorization !== undefined ? undefined : { principal: role, role };
};

async function createTarget(authenticate: Authenticate | undefined): Promise<Target> {
  const clock = virtualClock(startsAt);
  const fleet = createControlPlane({ clock });
  const store = watched(memoryStore(), () => fleet.settled());
  const limits = { refusalsPerMinuteMax: 1e9 };
  const world = createWorld({ machines, store, limits, providers: [fleet.provider] }, clock);
  const { engine } = world;
  await fleet.start(engine);
  const document = declarationOf("v1");
  await fleet.apply(parseFleet(document), document, { principal: "ann" });
  await world.settle(); // what has been planned is offered
  await engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });
  const group = { name: "racks", members: 2 };
  await engine.create({ machine: "maintenanceGroup", id: "maintenance-group/racks", input: group });
  await engine.create({ machine: "nodeMaintenance", id: "node/beta", input: { node: "beta", groups: ["racks"] } });
  const app = createApp(engine, { fleet, polls: { waitMaxMs: 0 }, ...(authenticate && { authenticate }) });
  const listening = await listen(app, { host: "127.0.0.1", port: 0 });
  const client = createRawClient(listening.url);
  await store.look();
  return {
    ...world,
    fleet,
    store,
    url: listening.url,
    client,
    async end() {
      client.end();
      await listening.close();
      await fleet.stop();
      await engine.stop();
    },
  };
}

function fire({ client }: Target, { bytes, isHead, isCut }: Shot): Promise<RawAnswer | "closed"> {
  return client.ask(bytes, { isHead, isCut });
}

/** What is wrong with an answer, or with what it did. */
async function faultOf({ store }: Target, shot: Shot, answer: RawAnswer | "closed"): Promise<string | undefined> {
  const { before, after } = await store.look();
  const isRefused = answer === "closed" || answer.status >= 300;
  if (isRefused && before !== after)
    return `it changed something: ${differing(before, after)} (${JSON.stringify(answer)})`;
  if (answer === "closed") return shot.isCut ? undefined : "it was not answered";
  const { status, headers, text } = answer;
  if (status >= 500) return `it failed: ${status} ${text}`;
  if (status >= 400 && headers.has("x-request-id") && !shot.isHead) {
    const fault = faultOfProblem(answer);
    if (fault !== undefined) return fault;
  }
  if (leaks.some((leak) => text.includes(leak) && !shot.bytes.includes(leak)))
    return `it tells of the machine: ${text}`;
  if (!shot.isOnTarget) return undefined;
  if (!headers.has("x-request-id"))
    return isOfParser(status) ? undefined : `nobody knows where this is from: ${status}`;
  if (documented.get(shot.operation.name)?.has(status) !== true) {
    return `${shot.operation.name} does not say that it answers ${status}: ${text}`;
  }
  const { schema } = shot.operation.answers[status] ?? {};
  const { error } = (status < 300 && !shot.isHead && schema?.safeParse(JSON.parse(text))) || {};
  return error && `the answer does not fit its schema: ${error.message} ${text}`;
}

function differing(before: string, after: string): string {
  let from = 0;
  while (from < before.length && before[from] === after[from]) from += 1;
  const around = (text: string) => text.slice(Math.max(0, from - 200), from + 200);
  return `${around(before)} became ${around(after)}`;
}

const leaks = [process.cwd(), "node_modules", "file://", "node:internal", ".ts:", "    at "];

/** What Node's parser says for itself. */
function isOfParser(status: number): boolean {
  return [400, 413, 417, 431].includes(status);
}

function faultOfProblem({ status, headers, text }: RawAnswer): string | undefined {
  if (headers.get("content-type")?.startsWith(problemType) !== true) return `it is no problem document: ${text}`;
  const problem = JSON.parse(text) as Record<string, unknown>;
  const { type, title, detail, instance, code } = problem;
  const known = Object.hasOwn(errorCatalogue, String(code)) ? errorCatalogue[code as ErrorCode] : undefined;
  const isWhole =
    known?.status === status &&
    problem["status"] === status &&
    title === known.title &&
    type === `urn:signalbox:problem:${String(code)}` &&
    typeof detail === "string" &&
    detail.length > 0 &&
    instance === headers.get("x-request-id");
  return isWhole ? undefined : `its problem document is not whole: ${text}`;
}

/** By operation; what it may answer with. */
const documented = new Map(
  operations.map((operation) => [
    operation.name,
    new Set([
      ...Object.keys(operation.answers).map(Number),
      ...errorCodesOf(operation).map((code) => errorCatalogue[code].status),
      ...(isConditional(operation) ? [304] : []),
      ...(isStream(operation) ? [200] : []),
    ]),
  ]),
);

function described({ operation, bytes }: Shot): string {
  return `${operation.name}: ${JSON.stringify(bytes.toString("latin1").slice(0, 4_000))}`;
}

interface WatchedStore extends Store {
  /** Everything but the journal, which tells of refusals too: as it was at the last look, and as it is. */
  look(): Promise<{ before: string; after: string }>;
}

/** Reads everything again only when something was written, and nothing more follows from it. */
function watched(store: Store, follow: () => Promise<void>): WatchedStore {
  let state = "";
  let isWritten = true;
  const writing =
    <Given extends readonly unknown[], Result>(write: (...given: Given) => Result) =>
    (...given: Given): Result => {
      isWritten = true;
      return write(...given);
    };
  return {
    ...store,
    commit: writing(store.commit),
    reschedule: writing(store.reschedule),
    async look() {
      const before = state;
      await follow(); // what is yet to be told is not yet written
      if (!isWritten) return { before, after: before };
      while (isWritten) {
        isWritten = false;
        await follow();
      }
      state = JSON.stringify(await stateOf(store));
      return { before, after: state };
    },
  };
}

async function stateOf(store: Store): Promise<unknown> {
  const instances = await store.instances({ limit: 10_000 });
  const pending = await store.pending({ now: 0, limit: 10_000 });
  return [instances.map(({ at: _at, ...row }) => row), pending];
}
