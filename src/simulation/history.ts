import type { Fleet } from "../planning/fleet.ts";
import { withoutHosts } from "./scale.ts";
import type { Settings } from "./settings.ts";

/** What a simulated fleet ran before, as the declarations that lead there. */
export interface History {
  /** The ref that each channel runs. */
  readonly refs: ReadonlyMap<string, string>;
  /** Without a host: its rollouts end as they begin, and leave each channel with a ref that has become Terminal. */
  readonly before: Record<string, unknown>;
  /** With its hosts, of the same refs. */
  readonly declared: Record<string, unknown>;
}

/** The name of what ran before where the declaration names what is rolled out. */
const unnamedRef = "previous";

/** A fleet that is where its declaration wants it; where that is the ref that is to be rolled out, it ran another one. */
export function historyOf(document: Record<string, unknown>, fleet: Fleet, { ref, channels }: Settings): History {
  const refs = new Map(
    [...fleet.channels.values()].map((channel) => [
      channel.name,
      channel.ref === ref && channels.includes(channel.name) ? unnamedRef : channel.ref,
    ]),
  );
  const declaredChannels = document["channels"] as Record<string, object>; // parseFleet has read it
  const declared = {
    ...document,
    channels: Object.fromEntries(
      Object.entries(declaredChannels).map(([name, channel]) => [name, { ...channel, ref: refs.get(name) }]),
    ),
  };
  return { refs, before: withoutHosts(declared), declared };
}
