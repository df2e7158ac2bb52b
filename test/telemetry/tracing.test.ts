import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTracing } from "../../src/telemetry/tracing.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { createAsk, createSite } from "../http/site.ts";
import { testMachines } from "../support/test-machines.ts";
import { createWorld, recordingProvider } from "../support/world.ts";
import { activeSpans, registerTracer, type Recorded } from "./recording-tracer.ts";

const notInstalled: string = "@opentelemetry/not-installed";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerSpanId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${callerSpanId}-01`;

let tracer: ReturnType<typeof registerTracer>;
beforeEach(() => {
  tracer = registerTracer();
});
afterEach(() => tracer.unregister());

/** Each span as `parent > name (kind)`, `-` for what is above all. */
function tree(spans: readonly Recorded[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, kind, parentSpanId }) => {
    const parent = parentSpanId === undefined ? "-" : (names.get(parentSpanId) ?? parentSpanId);
    return `${parent} > ${name} (${kind})`;
  });
}

/** A site whose engine and app are traced. */
async function tracedSite(provider = recordingProvider({})) {
  const world = createWorld({ machines: testMachines, providers: [provider] });
  const tracing = await createTracing(world.engine);
  const listening = await listen(createApp(world.engine, { ...(tracing && { tracing }) }), {
    host: "127.0.0.1",
    port: 0,
  });
  const { ask, end } = createAsk(listening.url);
  const close = async () => {
    end();
    await listening.close();
  };
  return { ...world, ask, close };
}

describe("the spans", () => {
  it("lead from the caller's request over the send to the call and its outcome, across a restart", async () => {
    const seen: (string | undefined)[] = [];
    const provider = recordingProvider({ once: (call) => void seen.push(call.traceparent) });
    const site = await tracedSite(provider);
    await site.engine.create({ machine: "caller", id: "c", input: {} });
    tracer.spans.length = 0;

    const { status } = await site.ask("POST", "/v1/instances/c/events", {
      body: { type: "once" },
      headers: { traceparent },
    });
    const { engine, settle } = site.restarted();
    await createTracing(engine);
    await settle();
    await site.close();

    expect(status).toBe(200);
    expect(tree(tracer.spans)).toEqual([
      `${callerSpanId} > POST /v1/instances/:id/events (SERVER)`,
      "POST /v1/instances/:id/events > send (INTERNAL)",
      "send > call once (CONSUMER)",
      "call once > send (INTERNAL)",
    ]);
    expect(new Set(tracer.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(tracer.spans.every(({ isEnded }) => isEnded)).toBe(true);
    const [, send, call, outcome] = tracer.spans;
    expect(seen).toEqual([`00-${traceId}-${call?.spanId}-01`]);
    const { entries } = await engine.journal({ instance: "c" });
    expect(entries.slice(1).map((entry) => entry.traceparent)).toEqual([
      `00-${traceId}-${send?.spanId}-01`,
      `00-${traceId}-${outcome?.spanId}-01`,
    ]);
  });

  it("carry what the conventions name, and neither bodies nor headers", async () => {
    const site = await tracedSite();
    await site.engine.create({ machine: "counter", id: "c", input: {} });
    tracer.spans.length = 0;

    await site.ask("POST", "/v1/instances/c/events", {
      body: { type: "inc", by: 12_345 },
      headers: { Authorization: "Bearer top-secret" },
    });
    await site.close();

    expect(tracer.spans.map(({ attributes }) => attributes)).toEqual([
      {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/v1/instances/:id/events",
        "url.path": "/v1/instances/c/events",
        "url.scheme": "http",
      },
      {
        "signalbox.event.type": "inc",
        "signalbox.instance.id": "c",
        "signalbox.moves": 1,
        "signalbox.outcome": "changed",
      },
    ]);
    expect(JSON.stringify(tracer.spans)).not.toMatch(/12345|top-secret/);
  });

  it("say what failed: a request of 5xx, a send by its code, a call by its error; a refusal is no error", async () => {
    const provider = recordingProvider({ once: () => Promise.reject(new Error("the disk is gone")) });
    const site = await tracedSite(provider);
    await site.engine.create({ machine: "counter", id: "c", input: {} });
    await site.engine.create({ machine: "caller", id: "k", input: {} });
    tracer.spans.length = 0;

    await site.ask("POST", "/v1/instances/c/events", { body: { type: "boom" } });
    await site.ask("POST", "/v1/instances/c/events", { body: { type: "dec" } });
    await site.engine.send("k", { type: "once" });
    await site.settle();
    await site.close();

    const failed = tracer.spans.map(({ name, attributes, status }) => [
      name,
      attributes["error.type"],
      status?.message ?? null,
    ]);
    expect(failed).toEqual([
      ["POST /v1/instances/:id/events", "500", null],
      ["send", "machine-fault", null],
      ["POST /v1/instances/:id/events", undefined, null],
      ["send", undefined, null],
      ["send", undefined, null],
      ["call once", "_OTHER", "the disk is gone"],
      ["send", undefined, null],
    ]);
  });

  it("begin a trace of their own where none comes in, or a malformed one", async () => {
    const site = await tracedSite();

    await site.ask("GET", "/v1/instances/nobody", { headers: { traceparent: `00-${traceId}-short-01` } });
    await site.ask("GET", "/no/such/path");
    await site.close();

    expect(tree(tracer.spans)).toEqual(["- > GET /v1/instances/:id (SERVER)", "- > GET (SERVER)"]);
  });

  it("of an embedder's send are below the span that is active there", async () => {
    const { engine } = createWorld();
    await createTracing(engine);
    const active = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: callerSpanId, traceFlags: 1 });
    context.setGlobalContextManager(activeSpans());

    await context.with(active, () => engine.create({ machine: "counter", id: "c", input: {} }));

    expect(tree(tracer.spans)).toEqual([`${callerSpanId} > send (INTERNAL)`]);
  });
});

describe("without a tracer provider", () => {
  it("a traceparent is passed on as it came, and none is made up", async () => {
    tracer.unregister();
    const site = await tracedSite();
    await site.engine.create({ machine: "counter", id: "c", input: {} });

    await site.ask("POST", "/v1/instances/c/events", { body: { type: "inc" }, headers: { traceparent } });
    await site.close();

    const { entries } = await site.engine.journal({ instance: "c" });
    expect(entries.map((entry) => entry.traceparent)).toEqual([undefined, traceparent]);
  });
});

describe("without OpenTelemetry", () => {
  it("there is no tracing, and all else works", async () => {
    const site = await createSite({ machines: testMachines });
    const missing = () => import(notInstalled);

    expect(await createTracing(site.engine, missing)).toBeUndefined();
    await site.post("/v1/instances", { machine: "counter", id: "c", input: {} }, { traceparent });
    const { body } = await site.get("/v1/instances/c/journal");
    expect(body.entries).toMatchObject([{ traceparent }]);
    expect(tracer.spans).toEqual([]);
  });

  it("is told from an OpenTelemetry that is broken", async () => {
    const { engine } = createWorld();

    await expect(createTracing(engine, () => Promise.reject(new SyntaxError("half a file")))).rejects.toThrow("half");
  });
});
