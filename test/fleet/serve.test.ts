import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { until } from "../providers/until.ts";
import { run, startServer, temporaryDirectory } from "../cli/processes.ts";

const directory = temporaryDirectory();
const inside = (name: string) => join(directory.path, name);
afterAll(() => directory.remove());

function declared(name: string, ref: string): string {
  const path = inside(name);
  writeFileSync(
    path,
    `channels:\n  stable: { ref: ${ref}, policy: quick }\nhosts:\n  "web-[1-2]": { channel: stable }\npolicies:\n  quick: {}\n`,
  );
  return path;
}

async function stateOf(url: string, rollout: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/instances/${encodeURIComponent(rollout)}`);
  return ((await response.json()) as { state?: string }).state;
}

describe("signalbox serve --fleet", () => {
  it("applies the declaration at the start, and opens nothing anew when it is started again", async () => {
    const data = inside("data");
    const fleet = declared("fleet.yaml", "v1");

    const first = await startServer(data, ["--fleet", fleet]);
    await until("hosts are dispatched", async () => (await stateOf(first.url, "stable@v1")) === "Active");
    await first.end();
    const second = await startServer(data, ["--fleet", fleet, "--watch-fleet"]);
    const again = [await stateOf(second.url, "stable@v1"), await stateOf(second.url, "stable@v1~2")];
    const { code } = await second.end("SIGTERM");

    expect(again).toEqual(["Active", undefined]);
    expect(code).toBe(0);
  });

  it("tells every fault of a declaration, and runs nothing", async () => {
    const fleet = inside("faulty.yaml");
    writeFileSync(fleet, "channels:\n  stable: { ref: v1, policy: missing }\nhosts: {}\nrubbish: 1\n");

    const { code, stderr } = await run(["serve", "--data", inside("faulty"), "--port", "0", "--fleet", fleet]);

    expect(code).toBe(2);
    expect(stderr).toContain("rubbish");
    expect(stderr).toContain("missing");
  });

  it("needs a file to watch", async () => {
    const { code, stderr } = await run(["serve", "--data", inside("none"), "--port", "0", "--watch-fleet"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("--fleet")]);
  });
});
