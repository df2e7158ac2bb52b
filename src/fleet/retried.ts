import type { FleetIndex, RolloutEntry } from "./fleet-index.ts";
import type { Follower } from "./follower.ts";
import type { Plans } from "./plans.ts";

const runsMax = 20; // of one ref in a row; who retries more often gets hosts again that run it already

/**
 * Which hosts run a ref, after runs of it that followed each other: a retry is only over what the run before has left, so
 * of a host that is not in its plan the run before tells.
 */
export async function convergedIn(
  entry: RolloutEntry,
  given: { index: FleetIndex; plans: Plans; readHosts: Follower["readHosts"] },
): Promise<(host: string) => boolean> {
  const runs: { isPlanned(host: string): boolean; converged: ReadonlySet<string> }[] = [];
  for (let run: RolloutEntry | undefined = entry; run !== undefined && runs.length < runsMax; ) {
    const { id, context } = run.facts;
    if (context.planHash === null) break;
    const hosts = run.isComplete ? run.hosts : await given.readHosts(id);
    const { waveOf } = run.plan ?? (await given.plans.of(id));
    const converged = [...hosts.values()].filter(({ state }) => state === "Converged").map(({ host }) => host);
    runs.push({ isPlanned: (host) => waveOf.has(host), converged: new Set(converged) });
    run = retriedBy(run, given.index);
  }
  return (host) => runs.find(({ isPlanned }) => isPlanned(host))?.converged.has(host) ?? false;
}

/** The run of the same ref that was the newest of the channel before this one; one that is pruned tells nothing any more. */
function retriedBy({ facts }: RolloutEntry, index: FleetIndex): RolloutEntry | undefined {
  const before = index.rollouts.get(facts.context.previous ?? "");
  return before?.facts.ref === facts.ref ? before : undefined;
}
