import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { SignalboxError } from "../../src/core/errors.ts";
import { createLabelValues } from "../../src/telemetry/label-values.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { createSite, type Site, type SiteOptions } from "../http/site.ts";
import { testMachines } from "../support/test-machines.ts";
import { recordingProvider } from "../support/world.ts";
import { parseExposition, type Family } from "./exposition.ts";

const siteOf = (options: SiteOptions = {}) => createSite({ machines: testMachines, ...options });

async function scrape({ get }: Pick<Site, "get">): Promise<ReadonlyMap<string, Family>> {
  const { status, headers, text } = await get("/metrics");
  expect(status).toBe(200);
  expect(headers["content-type"]).toMatch(/^text\/plain;.*version=0\.0\.4/);
  return parseExposition(text);
}

/** The samples of one metric as `label=value,... value`, without those of buckets. */
async function figures(site: Pick<Site, "get">, name: string): Promise<string[]> {
  const family = (await scrape(site)).get(name);
  return (family?.samples ?? [])
    .filter((sample) => !sample.name.endsWith("_bucket") && !sample.name.endsWith("_sum"))
    .map(({ labels, value }) => [...Object.entries(labels).map((pair) => pair.join("=")), value].join(" "));
}

describe("the figures", () => {
  it("count transitions by machine and states, refusals by reason, and sends by outcome", async () => {
    const site = await siteOf();
    await site.post("/v1/instances", { machine: "counter", id: "c", input: {} });
    const events = "/v1/instances/c/events";
    for (const type of ["inc", "dec", "dec", "dec", "touch", "finish", "inc"]) await site.post(events, { type });
    await site.engine.send("nobody", { type: "inc" }).catch(() => undefined);

    expect(await figures(site, "signalbox_transitions_total")).toEqual([
      "machine=counter from= to=Counting 1",
      "machine=counter from=Counting to=Counting 2",
      "machine=counter from=Counting to=Finished 1",
    ]);
    expect(await figures(site, "signalbox_refusals_total")).toEqual([
      "machine=counter reason=at-zero 2",
      expect.stringMatching(/^machine=counter reason=[\w-]+ 1$/),
    ]);
    expect(await figures(site, "signalbox_sends_total")).toEqual([
      "outcome=changed code= 4",
      "outcome=refused code= 3",
      "outcome=unchanged code= 1",
      "outcome=failed code=not-found 1",
    ]);
    expect(await figures(site, "signalbox_send_duration_seconds")).toEqual(["9"]);
    expect(await figures(site, "signalbox_commit_duration_seconds")).toEqual(["outcome=committed 8"]);
  });

  it("tell how many transactions share a commit", async () => {
    const site = await siteOf();
    const ids = Array.from({ length: 5 }, (_, n) => `c${n}`);

    await Promise.all(ids.map((id) => site.engine.create({ machine: "counter", id, input: {} })));

    const { samples = [] } = (await scrape(site)).get("signalbox_commit_batch_transactions") ?? {};
    const valueOf = (end: string, le?: string) =>
      samples.find(({ name, labels }) => name.endsWith(end) && labels["le"] === le)?.value;
    expect([valueOf("_count"), valueOf("_sum"), valueOf("_bucket", "4"), valueOf("_bucket", "8")]).toEqual([
      1, 5, 0, 1,
    ]);
  });

  it("count attempts of calls, what is pending, what runs, and dead letters", async () => {
    let end = (): void => undefined;
    const provider = recordingProvider({
      work: () => Promise.reject(new Error("not today")),
      watch: () =>
        new Promise((resolve) => {
          end = () => resolve(undefined);
        }),
    });
    const site = await siteOf({ providers: [provider], limits: { deliveryAttemptsMax: 1 } });
    for (const id of ["a", "b"]) await site.engine.create({ machine: "caller", id, input: {} });
    await site.engine.create({ machine: "messenger", id: "m", input: {} });
    await site.engine.send("a", { type: "go" });
    await site.engine.send("b", { type: "watch" });
    await site.engine.send("m", { type: "say", to: "nobody", words: ["hello"] });
    await site.settle();

    expect((await figures(site, "signalbox_pending")).toSorted()).toEqual([
      "kind=call state=leased 1",
      "kind=call state=retrying 1",
      "kind=message state=dead 1",
    ]);
    expect(await figures(site, "signalbox_dead_letters_total")).toEqual(["kind=message 1"]);
    expect(await figures(site, "signalbox_calls_running")).toEqual(["1"]);
    await site.advance(60_000);
    end();
    await expect.poll(() => figures(site, "signalbox_calls_running")).toEqual(["0"]);
    expect(await figures(site, "signalbox_calls_total")).toEqual([
      "machine=caller activity=work outcome=retried 2",
      "machine=caller activity=work outcome=failed 1",
      "machine=caller activity=watch outcome=ended 1",
    ]);
    expect(await figures(site, "signalbox_call_duration_seconds")).toEqual(["activity=work 3", "activity=watch 1"]);
  });

  it("tell the lag of the runner in seconds, and which checks pass", async () => {
    const site = await siteOf();
    await site.engine.create({ machine: "egg", id: "egg", input: { softMs: 1_000 } });
    await site.engine.send("egg", { type: "start", ms: 60_000 });

    await site.clock.advance(41_000);

    expect(await figures(site, "signalbox_runner_lag_seconds")).toEqual(["40"]);
    expect(await figures(site, "signalbox_ready")).toEqual([
      "check=store 1",
      "check=space 1",
      "check=runner 0",
      "check=host 1",
    ]);
    await site.settle();
    expect(await figures(site, "signalbox_runner_lag_seconds")).toEqual(["0"]);
  });

  it("tell that nothing is written while there is no space", async () => {
    const store = memoryStore();
    let isFull = true;
    const probe = async () => {
      if (isFull) throw new SignalboxError("insufficient-storage", "The disk is full.");
    };
    const site = await siteOf({ store: { ...store, probe } });

    const full = await site.get("/readyz?verbose");
    expect(full.body.checks.slice(0, 2)).toEqual([
      { name: "store", status: "failing", detail: "The disk is full." },
      { name: "space", status: "failing", detail: "Nothing is written until there is space again." },
    ]);
    expect(await figures(site, "signalbox_read_only")).toEqual(["1"]);
    isFull = false;
    await site.clock.advance(1_000);
    expect((await site.get("/readyz")).status).toBe(200);
    expect(await figures(site, "signalbox_read_only")).toEqual(["0"]);
  });

  it("leave gaps when the store fails, and are told all the same", async () => {
    const fails = () => Promise.reject(new Error("disk I/O error"));
    const site = await siteOf({ store: { ...memoryStore(), countPending: fails, nextDueAt: fails, probe: fails } });

    expect(await figures(site, "signalbox_pending")).toEqual([]);
    expect(await figures(site, "signalbox_runner_lag_seconds")).toEqual([]);
    expect(await figures(site, "signalbox_ready")).toEqual([
      "check=store 0",
      "check=space 1",
      "check=runner 0",
      "check=host 1",
    ]);
  });

  it("count requests by the pattern of their route, never by what was asked", async () => {
    const site = await siteOf();
    await site.engine.create({ machine: "counter", id: "secret-name", input: {} });
    for (const id of ["secret-name", "a", "b"]) await site.get(`/v1/instances/${id}`);
    await site.get("/v1/secret-path");
    await site.get("/secret/wp-login.php?token=secret");
    await site.ask("PROPFIND", "/secret");

    const { text } = await site.get("/metrics");
    expect(await figures(site, "signalbox_http_requests_total")).toEqual([
      "route=/v1/instances/:id method=GET status=200 1",
      "route=/v1/instances/:id method=GET status=404 2",
      "route=other method=GET status=404 2",
      "route=other method=other status=404 1",
      "route=/metrics method=GET status=200 1",
    ]);
    expect(await figures(site, "signalbox_http_request_duration_seconds")).toContain(
      "route=/v1/instances/:id method=GET 3",
    );
    expect(text).not.toContain("secret");
  });

  it("tell how many streams are open, and count a stream once it has ended, without a duration", async () => {
    const site = await siteOf();
    const stream = request(`${site.url}/v1/journal/stream`);
    stream.on("error", () => undefined);
    await new Promise((resolve) => stream.on("response", resolve).end());

    expect(await figures(site, "signalbox_streams_open")).toEqual(["1"]);
    stream.destroy();
    await expect.poll(() => figures(site, "signalbox_streams_open")).toEqual(["0"]);
    expect(await figures(site, "signalbox_http_requests_total")).toContain(
      "route=/v1/journal/stream method=GET status=200 1",
    );
    expect((await figures(site, "signalbox_http_request_duration_seconds")).join()).not.toContain("stream");
  });

  it("of two engines in one process are apart", async () => {
    const [one, other] = [await siteOf(), await siteOf()];

    await one.engine.create({ machine: "counter", id: "c", input: {} });

    expect(await figures(one, "signalbox_transitions_total")).toHaveLength(1);
    expect(await figures(other, "signalbox_transitions_total")).toHaveLength(0);
  });

  it("call values of a label beyond a number the same", () => {
    const valueOf = createLabelValues(2);

    expect(["a", "b", "c", "a", "d"].map(valueOf)).toEqual(["a", "b", "other", "a", "other"]);
  });
});

describe("the reader of expositions", () => {
  const head = "# HELP a b\n# TYPE a counter\n";

  it.each([
    ["a sample without a metric", "a 1\n"],
    ["a sample of another metric", `${head}b 1\n`],
    ["two of the same", `${head}a{x="1"} 1\na{x="1"} 2\n`],
    ["a broken label", `${head}a{x="1"y="2"} 1\n`],
    ["no number", `${head}a one\n`],
    ["a metric that comes twice", `${head}a 1\n${head}`],
    ["a missing end of line", `${head}a 1`],
    [
      "falling buckets",
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
  ])("sees %s", (_what, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
