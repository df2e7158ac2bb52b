import { chmodSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeToken, tokensText, type TokenEntry } from "../../src/operations/token.ts";
import { until } from "../providers/until.ts";
import { startAgent } from "./agent-process.ts";
import { startControlPlane } from "./control-plane-process.ts";
import { createWorkplace } from "./workplace.ts";

const endsTheAgent = `#!/bin/sh
cd "$(dirname "$0")"
echo "$SIGNALBOX_PRIOR -> $SIGNALBOX_TARGET" >> activations
kill -9 "$(cat agent.pid)"
while [ -e gate ]; do sleep 0.02; done
printf %s "$SIGNALBOX_TARGET" > version.new && mv version.new version
`;

describe("an activation", () => {
  it("that ends its own agent is waited for by the next one, and not doubled", async () => {
    const controlPlane = await startControlPlane();
    const workplace = createWorkplace();
    workplace.write("activate", endsTheAgent);
    workplace.closeGate();
    const { url } = controlPlane.proxy;
    const first = await startAgent(workplace, { host: "web-1", url });
    workplace.write("agent.pid", String(first.pid));

    await controlPlane.apply("v2");
    await first.ended;
    await startAgent(workplace, { host: "web-1", url });
    workplace.openGate();

    await controlPlane.reached("stable@v2", "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
  });

  it("goes on, and is told later, when the agent's token is taken away in the middle of it", async () => {
    const workplace = createWorkplace();
    const now = { at: Date.now(), lastsMs: 3_600_000 };
    const admin = makeToken({ principal: "alice", role: "admin", ...now });
    const [old, next] = [1, 2].map(() => makeToken({ principal: "web-1", role: "agent:web-1", ...now }));
    const file = join(workplace.path, "tokens.json");
    const admit = (...entries: (TokenEntry | undefined)[]) => {
      workplace.write("tokens.json", tokensText(entries.filter((entry) => entry !== undefined)));
      chmodSync(file, 0o600);
    };
    admit(admin.entry, old?.entry);
    const controlPlane = await startControlPlane({ tokens: { file, admin: admin.token } });
    const { url } = controlPlane.proxy;
    const agent = await startAgent(workplace, { host: "web-1", url, token: old?.token ?? "" });
    workplace.closeGate();
    await controlPlane.apply("v2");
    await until("it begins", () => workplace.activations().length === 1);

    admit(admin.entry, next?.entry);
    await until("the old one is refused", async () => {
      const headers = { Authorization: `Bearer ${old?.token}` };
      return (await fetch(`${url}/v1/agent/dispatch?agent=a.1&wait=0`, { headers })).status === 401;
    });
    workplace.openGate();
    await until("v2 runs", () => workplace.version() === "v2");
    const state = (await controlPlane.hostIn("stable@v2")).state as string;
    await agent.end("SIGTERM");
    await startAgent(workplace, { host: "web-1", url, token: next?.token ?? "" });

    expect(state).toBe("Activating");
    await controlPlane.reached("stable@v2", "Converged");
    expect(workplace.activations()).toEqual(["v1 -> v2"]);
  });
});
