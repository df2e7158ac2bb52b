import type { Client } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";

/** What a command takes for a rollout. */
export const rolloutArgument = "its id, or a channel for the newest of it";

export const waveOption = "its name, or its place, the first being 1";

/** The id of a rollout; the name of a channel stands for its newest one. Throws `not-found` for a channel without one. */
export async function rolloutNamed(client: Client, given: string): Promise<string> {
  if (given.includes("@")) return given;
  const { items } = await client.call("list-rollouts", { query: { channel: given, limit: 1 } });
  const [newest] = items;
  if (newest !== undefined) return newest.rolloutId;
  throw new SignalboxError(
    "not-found",
    `Channel ${given} has no rollout. \`signalbox rollout list\` lists those that there are.`,
  );
}

/** The number of a wave as the API has it, counted from 0, by its name or its place as people count. Throws `not-found`. */
export async function waveNamed(client: Client, rolloutId: string, given: string): Promise<number> {
  const { waves } = await client.call("show-rollout", { params: { rollout: rolloutId } });
  const byName = waves.findIndex(({ name }) => name === given);
  const index = byName >= 0 || !/^\d{1,5}$/.test(given) ? byName : Number(given) - 1;
  if (index >= 0 && index < waves.length) return index;
  const names = waves.map(({ name }) => name).join(", ");
  throw new SignalboxError("not-found", `${rolloutId} has no wave ${given}; it has ${names || "none"}.`);
}
