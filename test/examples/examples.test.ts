import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { protocolVersion } from "../../src/stately/messages.ts";
import { started } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { createConsumer, root, type Consumer } from "./consumer.ts";

let consumer: Consumer;
beforeAll(() => {
  consumer = createConsumer();
}, 90_000);
afterAll(() => consumer?.remove());

function blocksOf(path: string, language: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, code]) => code as string,
  );
}

/** What the comments behind `console.log` say will be printed; else the block of output that follows. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);(?: \})? \/\/ (.*)$/gm)].map(([, said]) => said as string);
}

describe("the package, as npm packs it", () => {
  it("has types that a strict consumer's compiler takes, without skipping any, together with the examples and the guide", () => {
    blocksOf("docs/embedding.md", "ts").forEach((code, index) => consumer.write(`guide-${index}.ts`, code));
    consumer.write("wrong.ts", 'import { memoryStore } from "signalbox";\nmemoryStore("wrong");\n');
    consumer.write("tsconfig.json", JSON.stringify(strict));

    const { stdout } = consumer.run(join(root, "node_modules/.bin/tsc"), "-p", ".");

    const faults = stdout.split("\n").filter((line) => /^\S+\(\d+,\d+\): error/.test(line));
    const ours = faults.filter((line) => !line.includes("/node_modules/xstate/")); // XState's own do not pass exactOptionalPropertyTypes
    expect(ours).toEqual([expect.stringMatching(/^wrong\.ts\(2,\d+\): error TS/)]);
  });

  it("leaves XState to the consumer, so that there is one copy", () => {
    expect(consumer.manifest.dependencies["xstate"]).toBeUndefined();
    expect(consumer.manifest.peerDependencies["xstate"]).toBeDefined();
  });

  it.each(blocksOf("docs/embedding.md", "ts").map((code, index) => [index, code] as const))(
    "runs block %i of the guide, which prints what it says",
    (index, code) => {
      const file = consumer.write(`guide-${index}.ts`, code);

      const { stdout, stderr, status } = consumer.run(process.execPath, file);

      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(stdout.trimEnd().split("\n").slice(0, promised(code).length)).toEqual(promised(code));
      if (/^for await/m.test(code)) expect(blocksOf("docs/embedding.md", "text")).toContain(stdout);
    },
  );
});

describe("the guides and the examples", () => {
  it.each(["docs/embedding.md", "docs/inspector.md", "examples/embedded/README.md", "examples/own-machine/README.md"])(
    "name in %s only files that there are",
    (path) => {
      const text = readFileSync(join(root, path), "utf8");
      const links = [...text.matchAll(/\]\(([^)#:]+)\)/g), ...text.matchAll(/^\| `([\w.-]+\.ts)`/gm)];

      expect(links.length).toBeGreaterThan(0);
      expect(
        links.filter(([, target]) => !existsSync(join(root, path, "..", target ?? ""))).map(([link]) => link),
      ).toEqual([]);
    },
  );

  it("name the version of the inspector's protocol that is spoken", () => {
    expect(readFileSync(join(root, "docs/inspector.md"), "utf8")).toContain(
      `\`@statelyai/inspect\` ${protocolVersion}`,
    );
  });
});

const strict = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
  include: ["**/*.ts"],
};

describe("examples/own-machine", () => {
  it("prints what its README says", () => {
    const { stdout, stderr } = consumer.run(process.execPath, "own-machine/simulate.ts");

    expect(stderr).toBe("");
    expect(blocksOf("examples/own-machine/README.md", "text")).toEqual([stdout]);
  });

  it("passes its own tests", () => {
    const { stdout, status } = consumer.run(process.execPath, "--test", "own-machine/flag-rollout.test.ts");

    expect(status, stdout).toBe(0);
    expect(stdout).toMatch(/pass 6\b/);
  });
});

describe("examples/embedded", () => {
  it("answers its README's customer, and shows the instance under its own path", async () => {
    const bank = await startBank();
    const desk = await startDesk(bank.url);
    const [, , customer = ""] = blocksOf("examples/embedded/README.md", "sh");
    const lines = customer
      .trimEnd()
      .split("\n")
      .map((line) => line.replaceAll("localhost:3000", new URL(desk.url).host));

    const [asked, tooMuch, sent] = lines.slice(0, 3).map(answerTo);
    await until("the money is paid back", async () => (await desk.refundOf("4711"))["state"] === "PaidBack");
    const [paid, journal] = lines.slice(3).map(answerTo);
    const mounted = await post(`${desk.url}/signalbox/v1/instances`, {
      machine: "refund",
      id: "refund/1",
      input: { order: "1", paidCents: 1 },
    });
    const { code, stdout } = await desk.end("SIGTERM");
    bank.close();

    expect(asked).toMatchObject({
      state: "AwaitingParcel",
      waitsFor: "the parcel",
      until: expect.stringMatching(/Z$/),
    });
    expect(tooMuch).toMatchObject({ state: "AwaitingParcel", reasons: [{ code: "more-than-was-paid" }] });
    expect(sent).toMatchObject({ state: "PayingBack", waitsFor: "the bank" });
    expect(paid).toMatchObject({ state: "PaidBack", receipt: { transfer: "1500 cents for 4711" } });
    expect(journal?.["entries"]).toMatchObject([{ kind: "created" }, { outcome: "refused" }, { to: "PayingBack" }, {}]);
    expect(mounted).toMatchObject({ status: 201, location: "/signalbox/v1/instances/refund%2F1" });
    expect(noticesIn(stdout)).toEqual(["PayingBack", "PaidBack"]);
    expect(code).toBe(0);
  });

  it("goes on after it was killed while the bank was asked: the money is paid once", async () => {
    const bank = await startBank();
    bank.hold();
    const first = await startDesk(bank.url);
    await post(`${first.url}/orders/42/refund`, { paidCents: 900 });
    await post(`${first.url}/orders/42/parcel`, { worthCents: 800 });
    await until("the bank is asked", () => bank.keys.length === 1);

    await first.end("SIGKILL");
    bank.answer();
    const second = await startDesk(bank.url);
    await until("the money is paid back", async () => (await second.refundOf("42"))["state"] === "PaidBack");
    const paid = await second.refundOf("42");
    const { code, stdout } = await second.end("SIGTERM");
    bank.close();

    expect(paid["receipt"]).toEqual({ transfer: "800 cents for 42" });
    expect(bank.keys).toHaveLength(2);
    expect(new Set(bank.keys).size).toBe(1);
    expect(noticesIn(stdout)).toEqual(["PaidBack"]);
    expect(code).toBe(0);
  });

  it("answers what it cannot take with what is wrong, and changes nothing", async () => {
    const bank = await startBank();
    const desk = await startDesk(bank.url);

    const bad = await post(`${desk.url}/orders/7/refund`, { paidCents: "all" });
    const unknown = await post(`${desk.url}/orders/7/parcel`, { worthCents: 1 });
    const negative = await post(`${desk.url}/orders/7/refund`, { paidCents: -1 });
    const other = [
      await post(`${desk.url}/orders/8/refund`, { paidCents: 5 }),
      await post(`${desk.url}/orders/8/refund`, { paidCents: 6 }),
    ];
    await desk.end("SIGTERM");
    bank.close();

    expect([bad.status, unknown.status, negative.status, ...other.map(({ status }) => status)]).toEqual([
      400, 404, 400, 202, 409,
    ]);
    expect(negative.body).toMatchObject({ detail: expect.stringContaining("/input/paidCents") });
  });
});

/** The service of the example in a process of its own. */
async function startDesk(bankUrl: string) {
  const child = spawn(process.execPath, ["main.ts"], {
    cwd: join(consumer.path, "embedded"),
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NODE_ENV: "production", PORT: "0", BANK_URL: bankUrl },
  });
  const running = started(child);
  const { listening: url } = JSON.parse(await running.firstLine) as { listening: string };
  return {
    url,
    async refundOf(order: string) {
      const response = await fetch(`${url}/orders/${order}/refund`);
      return (await response.json()) as Record<string, unknown>;
    },
    end(signal: NodeJS.Signals) {
      running.signal(signal);
      return running.ended;
    },
  };
}

/** A bank that writes down under which keys it was asked, and may take its time. */
async function startBank() {
  const keys: string[] = [];
  const held: (() => void)[] = [];
  let isHolding = false;
  const server = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"]));
    void json(request).then((transfer) => {
      const { order, cents } = transfer as { order: string; cents: number };
      const answer = () => void response.end(JSON.stringify({ transfer: `${cents} cents for ${order}` }));
      if (isHolding) held.push(answer);
      else answer();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    hold: () => void (isHolding = true),
    answer() {
      isHolding = false;
      for (const each of held) each();
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function post(url: string, body: object): Promise<{ status: number; location: string | null; body: unknown }> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return {
    status: response.status,
    location: response.headers.get("Location"),
    body: await response.json(),
  };
}

function noticesIn(stdout: string): string[] {
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { state?: string });
  return lines.flatMap(({ state }) => (state === undefined ? [] : [state]));
}

function answerTo(command: string): Record<string, unknown> {
  const { stdout } = consumer.run("bash", "-c", command);
  return JSON.parse(stdout) as Record<string, unknown>;
}
