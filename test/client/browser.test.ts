import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import express from "express";
import { expect, it, onTestFinished } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { describeInBrowser } from "../support/browser.ts";
import { createWorld } from "../support/world.ts";

const root = join(import.meta.dirname, "../..");

const page = `<!doctype html><title>A page</title><link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "eventsource-parser": "/eventsource-parser/index.js" } }</script>
<script type="module">
  import { createClient } from "/src/client/index.ts";
  const client = createClient({ url: new URL("/ops/", location) });
  const stop = new AbortController();
  const seen = [];
  for await (const { seq, outcome } of client.follow({ after: 0, signal: stop.signal })) {
    seen.push([seq, outcome]);
    if (seq === 1) await client.send("c", { type: "inc" });
    if (seq === 2) await client.send("c", { type: "dec" });
    if (seq === 3) await client.send("c", { type: "dec" });
    if (seq === 4) await client.send("c", { type: "dec" }).catch(({ code, reasons }) => seen.push([code, reasons[0].code]));
    if (seq === 5) stop.abort();
  }
  globalThis.seen = seen;
</script>`;

describeInBrowser("the client in a browser", (open) => {
  it("sends, is refused, and follows", async () => {
    const { engine } = createWorld();
    await engine.create({ machine: "counter", id: "c", input: { count: 1 } });
    const host = express();
    host.get("/", (_, response) => void response.type("html").send(page));
    host.get("/src/{*path}", ({ path }, response) => {
      response.type("text/javascript").send(stripTypeScriptTypes(readFileSync(join(root, path), "utf8")));
    });
    host.use("/eventsource-parser", express.static(join(root, "node_modules/eventsource-parser/dist")));
    const stopping = new AbortController();
    host.use("/ops", createApp(engine, { stopping: stopping.signal }));
    const listening = await listen(host, { host: "127.0.0.1", port: 0 });
    onTestFinished(async () => {
      stopping.abort();
      await listening.close();
      await engine.stop();
    });

    const tab = await (await open()).newPage();
    const faults: string[] = [];
    tab.on("pageerror", ({ message }) => void faults.push(message));
    await tab.goto(listening.url);
    await expect
      .poll(async () => [await tab.evaluate("globalThis.seen"), faults])
      .toEqual([
        [
          [1, "changed"],
          [2, "changed"],
          [3, "changed"],
          [4, "changed"],
          ["event-refused", "at-zero"],
          [5, "refused"],
        ],
        [],
      ]);
  });
});
