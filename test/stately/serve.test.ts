import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { InspectionMessage } from "../../src/stately/messages.ts";
import { post, run, startServer, temporaryDirectory } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { startReceiver } from "../support/websocket-receiver.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

describe("signalbox serve --inspect-url", () => {
  it("tells a receiver what happens, survives its absence, and ends well though it holds on", async () => {
    const receiver = await startReceiver<InspectionMessage>();
    receiver.holdOn();
    const server = await startServer(join(directory.path, "inspected"), ["--inspect-url", receiver.url]);

    await post(server.url, "/v1/instances", { machine: "nodeMaintenance", id: "node/a", input: { node: "a" } });
    await until("the creation is told", () => receiver.received.length === 3);
    receiver.cut();
    await post(server.url, "/v1/nodes/a/cordon", {});
    await until("the cordon is told", () => receiver.received.length === 6);
    const { code, stderr } = await server.end("SIGTERM");
    await receiver.stop();

    const types = receiver.received.map(({ type, ...rest }) => [
      type,
      "event" in rest ? rest.event.type : rest.sessionId,
    ]);
    expect(types).toEqual([
      ["@xstate.actor", "node/a"],
      ["@xstate.event", "xstate.init"],
      ["@xstate.snapshot", "xstate.init"],
      ["@xstate.actor", "node/a"],
      ["@xstate.event", "node.cordon"],
      ["@xstate.snapshot", "node.cordon"],
    ]);
    expect(receiver.received.at(-1)).toMatchObject({ snapshot: { value: { scheduling: "Cordoned" } } });
    const logged = stderr
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(logged.filter((line) => line.includes("inspector"))).toEqual([
      expect.stringContaining("keeps trying"),
      expect.stringContaining("connected again"),
    ]);
    expect(code).toBe(0);
  });

  it("refuses a URL that is none before anything is opened", async () => {
    const data = join(directory.path, "untouched");

    const { code, stdout, stderr } = await run(["serve", "--data", data, "--inspect-url", "http://localhost:8080"]);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("it does not begin with ws:// or wss://");
    expect(existsSync(data)).toBe(false);
  });
});
