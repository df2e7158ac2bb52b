import type { Host, Wave } from "./fleet.ts";
import { matcherOf } from "./select.ts";

/** Says in which wave a host is: the first that selects it; undefined when none does. Without waves all are in the first. */
export function stagesOf(waves: readonly Wave[]): (host: Host) => number | undefined {
  if (waves.length === 0) return () => 0;
  const matchers = waves.map(({ hosts }) => matcherOf(hosts));
  return (host) => {
    const wave = matchers.findIndex((isMeant) => isMeant(host));
    return wave === -1 ? undefined : wave;
  };
}
