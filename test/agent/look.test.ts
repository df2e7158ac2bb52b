import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AgentProbe } from "../../src/agent/agent-file.ts";
import { look } from "../../src/agent/look.ts";
import { systemClock } from "../../src/providers/system-clock.ts";

const { signal } = new AbortController();
const common = { name: "p", mode: "enforce", everyMs: 1_000, timeoutMs: 5_000 } as const;
const seenBy = (probe: AgentProbe) => look(probe, { workDir: process.cwd(), clock: systemClock(), signal });

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe("an HTTP probe", () => {
  async function page(status: number, body: string) {
    const port = await portOf(
      createServer((_request, response) => response.writeHead(status, { Location: "/elsewhere" }).end(body)),
    );
    return { ...common, kind: "http", url: `http://127.0.0.1:${port}/health`, expectStatus: 200 } as const;
  }

  it("passes for the status and the body that it expects", async () => {
    const probe = await page(200, "all is well");

    expect(await seenBy(probe)).toEqual({ status: "pass" });
    expect(await seenBy({ ...probe, bodyContains: "well" })).toEqual({ status: "pass" });
  });

  it("fails otherwise, and says why", async () => {
    expect(await seenBy(await page(503, ""))).toEqual({ status: "fail", why: "status 503, not 200" });
    expect(await seenBy(await page(302, ""))).toEqual({ status: "fail", why: "status 302, not 200" });
    expect(await seenBy({ ...(await page(200, "starting")), bodyContains: "ready" })).toEqual({
      status: "fail",
      why: 'the body does not contain "ready"',
    });
  });

  it("fails when nobody listens, and when there is no answer in time", async () => {
    const silent = await portOf(createServer(() => undefined));
    const probe = { ...common, kind: "http", expectStatus: 200 } as const;

    expect(await seenBy({ ...probe, url: "http://127.0.0.1:1/" })).toMatchObject({ status: "fail" });
    expect(await seenBy({ ...probe, url: `http://127.0.0.1:${silent}/`, timeoutMs: 100 })).toEqual({
      status: "fail",
      why: "no answer within 100 ms",
    });
  });
});

describe("a TCP probe", () => {
  it("passes when the connection is accepted, and only then", async () => {
    const port = await portOf(createTcpServer((socket) => socket.end()));
    const probe = { ...common, kind: "tcp", host: "127.0.0.1" } as const;

    expect(await seenBy({ ...probe, port })).toEqual({ status: "pass" });
    expect(await seenBy({ ...probe, port: 1 })).toMatchObject({ status: "fail" });
  });
});

describe("an exec probe", () => {
  const probe = (script: string, more: { expectExit?: number; timeoutMs?: number } = {}) =>
    seenBy({ ...common, kind: "exec", command: ["/bin/sh", "-c", script], expectExit: 0, ...more });

  it("passes with the exit code that it expects", async () => {
    expect(await probe("exit 0")).toEqual({ status: "pass" });
    expect(await probe("exit 3", { expectExit: 3 })).toEqual({ status: "pass" });
  });

  it("fails with another one, with what was said last, and when it takes too long or is not there", async () => {
    expect(await probe("echo first >&2; echo no space >&2; exit 2")).toEqual({
      status: "fail",
      why: "exit code 2, not 0: no space",
    });
    expect(await probe("sleep 60", { timeoutMs: 100 })).toMatchObject({ status: "fail" });
    expect(await seenBy({ ...common, kind: "exec", command: ["./no-such-program"], expectExit: 0 })).toMatchObject({
      status: "fail",
    });
  });

  it("ends in time although a process that it left behind holds its output", async () => {
    expect(await probe("sleep 1 & exit 0")).toEqual({ status: "pass" });
  });
});

describe("a look", () => {
  it("ends with the signal, and tells nothing then", async () => {
    const stopping = new AbortController();
    const probe = { ...common, kind: "exec", command: ["sleep", "60"], expectExit: 0 } as const;
    const looking = look(probe, { workDir: process.cwd(), clock: systemClock(), signal: stopping.signal });
    stopping.abort(new Error("withdrawn"));

    await expect(looking).rejects.toThrow("withdrawn");
  });
});
