import type { Client } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { HostExplanationView } from "../operations/rollout-schemas.ts";
import { waveText } from "../planning/wave-name.ts";
import { rolloutNamed } from "./rollout-named.ts";

/** Why a host is where it is in a rollout. */
export type ExplainedHost = HostExplanationView & { rolloutId: string; waveName: string };

/**
 * Why a host is where it is: in the rollout that is named, else in the newest one of a channel that has the host. Throws
 * `not-found` when there is none.
 */
export async function explainHost(client: Client, host: string, rollout?: string): Promise<ExplainedHost> {
  if (rollout !== undefined) return explainedIn(client, host, await rolloutNamed(client, rollout));
  const { channels } = await client.call("show-fleet");
  for (const { rollout: newest } of channels) {
    if (newest === null) continue;
    try {
      return await explainedIn(client, host, newest.rolloutId);
    } catch (error) {
      if (!isSignalboxError(error, "not-found")) throw error;
    }
  }
  const detail = `${host} is in none of the channels' newest rollouts. Name an older one with --rollout.`;
  throw new SignalboxError("not-found", detail);
}

async function explainedIn(client: Client, host: string, rollout: string): Promise<ExplainedHost> {
  const explanation = await client.call("explain-rollout-host", { params: { rollout, host } });
  const { waves } = await client.call("show-rollout", { params: { rollout } });
  return { ...explanation, rolloutId: rollout, waveName: waveText(waves, explanation.wave) };
}
