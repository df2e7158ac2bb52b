import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createClient, SignalboxError, type Client, type ClientOptions } from "../../src/client/index.ts";
import { routes } from "../../src/client/routes.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { operationsByName } from "../../src/operations/index.ts";
import { isStream, type Operation } from "../../src/operations/operation.ts";
import { addCounter, addNode, createSite, type Site, type SiteOptions } from "../http/site.ts";

async function connected(
  options: SiteOptions = {},
  of: Partial<ClientOptions> = {},
): Promise<{ site: Site; client: Client }> {
  const site = await createSite(options);
  return { site, client: createClient({ url: site.url, ...of }) };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const seen: Item[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

describe("the client of a real server", () => {
  it("creates, sends, tries, explains and reads", async () => {
    const { client } = await connected();

    const made = await client.create({ machine: "counter", id: "a/b", input: { count: 1 } });
    const sent = await client.send("a/b", { type: "inc" }, { expectedVersion: 1 });
    const tried = await client.dryRun("a/b", { type: "inc" });
    const explained = await client.explain("a/b", { type: "inc" });
    const read = await client.read("a/b");

    expect([made.version, sent.outcome, sent.instance.version]).toEqual([1, "changed", 2]);
    expect([tried.outcome, tried.effects, tried.instance.version]).toEqual(["changed", [], 3]);
    expect([explained.verdict?.outcome, (await client.explain("a/b")).verdict]).toEqual(["changed", undefined]);
    expect(read).toMatchObject({ id: "a/b", version: 2, context: { count: 2 } });
  });

  it("throws a refusal with its reasons, and what else is wrong with its faults", async () => {
    const { site, client } = await connected();
    await addCounter(site, "c");

    const refused = await client.send("c", { type: "dec" }).catch((error: unknown) => error as SignalboxError);
    const wrong = await client.send("c", { type: "inc", by: "two" }).catch((error: unknown) => error as SignalboxError);
    const stale = client.send("c", { type: "inc" }, { expectedVersion: 9 });

    expect(refused).toBeInstanceOf(SignalboxError);
    expect(refused).toMatchObject({ code: "event-refused", status: 409, reasons: [{ code: "at-zero" }], errors: [] });
    expect(wrong).toMatchObject({ code: "invalid-request", status: 400, errors: [{ pointer: "/by" }], reasons: [] });
    expect((wrong as SignalboxError).requestId).toMatch(/^[\w-]{36}$/);
    await expect(stale).rejects.toMatchObject({ code: "version-mismatch", status: 412 });
  });

  it("is answered once for a change whose answer was lost", async () => {
    const { site } = await connected();
    await addCounter(site, "c");
    let calls = 0;
    const losing: typeof fetch = async (...asked) => {
      const response = await fetch(...asked);
      calls += 1;
      if (calls > 1) return response;
      await response.text(); // it is done, and nobody hears of it
      throw new TypeError("the connection went away");
    };
    const client = createClient({ url: site.url, fetch: losing, retries: { baseMs: 1 } });

    expect(await client.send("c", { type: "inc" })).toMatchObject({ outcome: "changed", version: 2 });
    expect([calls, (await client.read("c")).version]).toEqual([2, 2]);
  });

  it("goes through every page of a list", async () => {
    const { site, client } = await connected();
    for (let n = 0; n < 7; n += 1) await addNode(site, `n${n}`);
    await client.send("node/n3", { type: "maintenance.enter" });
    for (let n = 0; n < 501; n += 1) await site.engine.send("node/n0", { type: "node.cordon" });

    const nodes = await all(client.nodes({ limit: 2 }));
    const entering = await all(client.list({ state: "EnteringMaintenance", limit: 1 }));
    const pending = await all(client.pending({ instance: "node/n3", limit: 1 }));

    expect(nodes.map(({ id }) => id)).toEqual(Array.from({ length: 7 }, (_, n) => `node/n${n}`));
    expect(entering.map(({ id }) => id)).toEqual(["node/n3"]);
    expect(pending.map(({ kind }) => kind).toSorted()).toEqual(["call", "call", "timer"]);
    expect((await all(client.journal({ instance: "node/n0" }))).length).toBeGreaterThan(500);
    expect((await all(client.journal({ after: 7 }))).map(({ seq }) => seq)).toEqual(
      Array.from({ length: (await site.engine.position()) - 7 }, (_, n) => n + 8),
    );
  });

  it("calls whatever there is by its name", async () => {
    const { site, client } = await connected();
    await addNode(site, "alpha");

    const { items } = await client.call("transact", {
      body: { moves: [{ create: { machine: "counter", id: "c", input: {} } }, { id: "c", event: { type: "inc" } }] },
    });
    const entered = await client.call("enter-maintenance", {
      params: { node: "alpha" },
      body: { reason: "a new disk" },
    });
    const svg = await client.call("show-diagram", { params: { machine: "counter" } });

    expect(items.map(({ version }) => version)).toEqual([1, 2]);
    expect(entered.instance.state).toBe("EnteringMaintenance");
    expect(svg).toMatch(/^<svg /);
    expect((await client.call("verify")).differences).toEqual([]);
    expect(await client.call("liveness")).toEqual({ status: "ok" });
  });

  it("follows the journal over a server that stops and comes back", async () => {
    const stopping = new AbortController();
    const { site } = await connected({ stopping: stopping.signal });
    await addCounter(site, "c");
    const { hostname, port } = new URL(site.url);
    const client = createClient({ url: site.url, following: { baseMs: 1, maxMs: 5 } });
    const seen: number[] = [];
    let lost = 0;

    for await (const { seq } of client.follow({ after: 0, instance: "c", onLost: () => void (lost += 1) })) {
      seen.push(seq);
      if (seq === 1) {
        stopping.abort();
        await site.listening.close();
        await site.engine.send("c", { type: "inc" }); // while nobody can be told
        const back = await listen(createApp(site.engine), { host: hostname, port: Number(port) });
        onTestFinished(() => back.close());
      }
      if (seq === 2) void site.engine.send("c", { type: "inc" });
      if (seq === 3) break;
    }

    expect(seen).toEqual([1, 2, 3]);
    expect(lost).toBeGreaterThanOrEqual(1);
  });

  it("throws when it is to follow what is not there", async () => {
    const { client } = await connected();

    await expect(all(client.follow({ instance: "none" }))).rejects.toMatchObject({ code: "not-found" });
    await expect(all(client.follow({ after: 99 }))).rejects.toMatchObject({ code: "invalid-request" });
  });
});

describe("the client's copy of the routes", () => {
  it("is that of the operations, without streams and pages", () => {
    const isForBrowsers = ({ answers }: Operation) =>
      /^text\/(?:html|css|javascript)/.test(answers[200]?.contentType ?? "");
    const expected = Object.values<Operation>(operationsByName)
      .filter((each) => !isStream(each) && !isForBrowsers(each))
      .map(({ name, method, path, isChange, waits }) => {
        return [name, { method, path, ...(isChange && { isChange }), ...(waits && { waits }) }] as const;
      });

    expect(Object.fromEntries(Object.entries(routes))).toEqual(Object.fromEntries(expected));
  });

  it("is typed by the names that the operations have", () => {
    const kebab = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

    expect(Object.keys(operationsByName).map(kebab)).toEqual(Object.values(operationsByName).map(({ name }) => name));
  });
});

describe("importing the client", () => {
  it("brings nothing of the server with it, and nothing that only Node.js has", () => {
    const root = join(import.meta.dirname, "../..");
    const code = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      await import(process.argv[1]);
      console.log(JSON.stringify(loaded));`;
    const loadedBy = (path: string) => {
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code, join(root, path)], {
        encoding: "utf8",
      });
      return (JSON.parse(stdout) as string[]).map((url) => url.replace(`file://${root}/`, ""));
    };
    const isLight = (path: string) =>
      /^(?:src\/client\/[\w-]+\.ts|src\/core\/(?:errors|retry)\.ts|src\/operations\/operation\.ts|node_modules\/eventsource-parser\/.*)$/.test(
        path,
      );

    expect(loadedBy("src/client/index.ts").filter((path) => !isLight(path))).toEqual([]);
    expect(loadedBy("src/operations/wire.ts").filter((path) => !isLight(path))).not.toEqual([]); // it would be seen
  });
});
