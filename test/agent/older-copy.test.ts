import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { post, run, startServer, temporaryDirectory, type Server } from "../cli/processes.ts";
import { until } from "../providers/until.ts";
import { startAgent } from "./agent-process.ts";
import { createFaultyProxy } from "./faulty-proxy.ts";
import { createWorkplace } from "./workplace.ts";

const document = {
  channels: { stable: { ref: "v2", policy: "quick" } },
  hosts: { "web-1": { channel: "stable" } },
  policies: { quick: { waves: [{ name: "all", hosts: { all: true }, soak: "100ms" }] } },
};

it("tells a control plane that was put back to an older copy of its database what that lacks, and no more", async () => {
  const directory = temporaryDirectory();
  const proxy = await createFaultyProxy();
  const workplace = createWorkplace();
  let server: Server = await startServer(join(directory.path, "data"));
  onTestFinished(async () => {
    await server.end();
    directory.remove();
  });
  proxy.leadTo(server.url);
  const get = async (path: string) => (await fetch(`${server.url}${path}`)).json() as Promise<Record<string, unknown>>;
  const reached = (state: string) =>
    until(`it is ${state}`, async () => (await get("/v1/rollouts/stable@v2/hosts/web-1"))["state"] === state);
  workplace.closeGate();
  await startAgent(workplace, { host: "web-1", url: proxy.url });
  await post(server.url, "/v1/fleet", { document });
  await until("it begins", () => workplace.activations().length === 1);
  await reached("Activating");
  const copy = join(directory.path, "copy.db");
  const copied = await run(["backup", "--data", join(directory.path, "data"), "--to", copy]);
  workplace.openGate();
  await reached("Converged");

  proxy.leadTo(undefined);
  await server.end();
  const restored = await run(["restore", "--from", copy, "--data", join(directory.path, "older")]);
  server = await startServer(join(directory.path, "older"));
  const before = (await get("/v1/rollouts/stable@v2"))["state"];
  proxy.leadTo(server.url);

  expect([copied.code, restored.code, before]).toEqual([0, 0, "Active"]);
  await until("it is complete", async () => (await get("/v1/rollouts/stable@v2"))["state"] === "Terminal");
  expect(workplace.activations()).toEqual(["v1 -> v2"]);
});
