import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { machines as ours } from "../../machines/index.ts";
import type { Log } from "../../src/core/log.ts";
import type { Machine } from "../../src/core/machine.ts";
import { createControlPlane } from "../../src/fleet/create-control-plane.ts";
import { createApp, type AppOptions } from "../../src/http/app.ts";
import { listen } from "../../src/http/server.ts";
import { authenticateByTokens } from "../../src/http/token-authentication.ts";
import type { TokenRole } from "../../src/operations/permission.ts";
import { makeToken, tokensText, type TokenEntry } from "../../src/operations/token.ts";
import { virtualClock } from "../../src/providers/virtual-clock.ts";
import { createWorld, startsAt, type World } from "../support/world.ts";
import { createAsk, settling, type Ask } from "./site.ts";

export interface GuardedSite extends World {
  url: string;
  ask: Ask;
  /** The token file, and what a test writes into it in place of what is there. */
  path: string;
  write(text: string): void;
  /** Makes tokens for these roles, the only ones that there are then; each is carried by a principal of its name. */
  admit<Roles extends TokenRole>(...roles: readonly Roles[]): Promise<Record<Roles, string>>;
  /** What was logged, each line as JSON. */
  logged: string[];
}

const dayMs = 86_400_000;

/** The real app behind a token file, over an engine whose time stands still. It ends with the test. */
export async function createGuardedSite(
  options: Omit<AppOptions, "fleet"> & { machines?: readonly Machine[]; hasFleet?: boolean } = {},
): Promise<GuardedSite> {
  const { machines = ours, hasFleet = false, ...appOptions } = options;
  const directory = mkdtempSync(join(tmpdir(), "signalbox-tokens-"));
  const path = join(directory, "tokens.json");
  const write = (text: string) => writeFileSync(path, text, { mode: 0o600 });
  write(tokensText([]));
  const clock = virtualClock(startsAt);
  const fleet = hasFleet ? createControlPlane({ clock }) : undefined;
  const world = createWorld({ machines, providers: fleet === undefined ? [] : [fleet.provider] }, clock);
  await fleet?.start(world.engine);
  const logged: string[] = [];
  const log = recordingLog(logged);
  const authenticate = authenticateByTokens({ path, clock, log });
  const app = createApp(world.engine, { log, authenticate, ...appOptions, ...(fleet && { fleet }) });
  const listening = await listen(app, { host: "127.0.0.1", port: 0 });
  const { ask, end } = createAsk(listening.url);
  onTestFinished(async () => {
    end();
    await listening.close();
    await fleet?.stop();
    await world.engine.stop();
    rmSync(directory, { recursive: true });
  });
  return {
    ...world,
    ...(fleet && { settle: settling(world, fleet) }),
    url: listening.url,
    ask,
    path,
    write,
    logged,
    async admit(...roles) {
      const made = roles.map((role) => [role, tokenFor(role)] as const);
      write(tokensText(made.map(([, { entry }]) => entry)));
      await clock.advance(1_000); // by then the file is looked at again
      return Object.fromEntries(made.map(([role, { token }]) => [role, token])) as Record<
        (typeof roles)[number],
        string
      >;
    },
  };
}

/** A token for a principal who is named as the role. */
export function tokenFor(role: TokenRole, lastsMs = 90 * dayMs): { token: string; entry: TokenEntry } {
  return makeToken({ principal: role, role, at: startsAt, lastsMs });
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

export function recordingLog(logged: string[]): Log {
  const record = (fields: object, message: string) => void logged.push(JSON.stringify({ ...fields, message }));
  return { debug: record, info: record, warn: record, error: record };
}
