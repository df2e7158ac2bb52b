import { describe, expect, it } from "vitest";
import { join } from "node:path";
import { run } from "../cli/processes.ts";
import { launchAgent, startAgent } from "./agent-process.ts";
import { createWorkplace } from "./workplace.ts";

const nowhere = { host: "web-1", url: "http://127.0.0.1:1" };

describe("the agent's process", () => {
  it("runs while the control plane is away, says what it lacks, and stops on SIGTERM", async () => {
    const agent = await startAgent(createWorkplace(), nowhere);

    const { code, stderr } = await agent.end("SIGTERM");

    expect(code).toBe(0);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toContain(
      "no confirm targets: an activation that cuts this host off is not undone",
    );
  });

  it("does not run twice on one directory", async () => {
    const workplace = createWorkplace();
    const first = await startAgent(workplace, nowhere);

    const { code, stderr } = await launchAgent(workplace, nowhere).ended;

    expect(code).toBe(1);
    expect(stderr).toContain("database-in-use");
    expect(stderr).toContain(`process ${first.pid}`);
  });

  it("tells every fault of its configuration and does not begin", async () => {
    const workplace = createWorkplace();
    workplace.write("faulty.yaml", "version: { command: [] }\nprobes: [{ name: web }]\n");

    const { code, stderr } = await run([
      "agent",
      "--config",
      join(workplace.path, "faulty.yaml"),
      "--data",
      workplace.path,
    ]);

    expect(code).toBe(2);
    for (const pointer of ["/version/command", "/activate", "/probes/0"]) expect(stderr).toContain(pointer);
  });

  it("says what is wrong with a configuration that is not there, and with a name that is none", async () => {
    const { path } = createWorkplace();

    const missing = await run(["agent", "--config", join(path, "none.yaml"), "--data", path]);
    const named = await launchAgent(createWorkplace(), { ...nowhere, host: "a/b" }).ended;

    expect([missing.code, named.code]).toEqual([2, 2]);
    expect(missing.stderr).toContain("cannot be read");
    expect(named.stderr).toContain("a/b is no name of a host");
  });
});
