import type { Instance } from "../core/outcome.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import { overview, type OverviewView } from "./answer-schemas.ts";
import { operation } from "./operation.ts";
import { instanceBody } from "./wire.ts";
import { withinPage } from "./within-page.ts";

const entriesMax = 500; // of the journal's end, which says what moved last: one page
const lookedAtMax = 12; // of each statechart, so that six which have ended hide none that has not
const shownMax = 6; // a few statecharts of them fill a window
const largeMax = 2; // of those that are given whole documents: each may be some megabytes to read

export const listOverview = operation({
  name: "list-overview",
  summary: "A few instances of each statechart: active before ended, then those that moved last.",
  method: "GET",
  path: "/v1/overview",
  permission: "read",
  answers: {
    200: { description: "Statecharts with instances; those with one that is no rest come first.", schema: overview },
  },
  isChange: false,
  run: async (_asked, _caller, { engine }) => ({ status: 200, body: { items: await overviewOf(engine) } }),
});

/** Its cost is bounded by the limits above, however many instances there are. */
async function overviewOf(engine: Engine): Promise<OverviewView["items"]> {
  const { entries } = await engine.journal({ before: Number.MAX_SAFE_INTEGER, limit: withinPage(engine, entriesMax) });
  const moved = Map.groupBy(entries.toReversed(), ({ machine }) => machine);
  const groups = await Promise.all(
    engine.catalogue.machines.map(async ({ name: machine, inputCharactersMax }) => {
      const [most, lookedAt] = inputCharactersMax === undefined ? [shownMax, lookedAtMax] : [largeMax, 0];
      const { items, nextCursor } = await engine.list({ machine, limit: withinPage(engine, most) });
      const lately = [...new Set((moved.get(machine) ?? []).map(({ instance }) => instance))].slice(0, lookedAt);
      const known = new Map(items.map((each) => [each.id, each]));
      for (const each of await Promise.all(lately.map(async (id) => known.get(id) ?? ifThere(engine.read(id)))))
        if (each !== undefined) known.set(each.id, each);
      const instances = [...known.values()].toSorted(byUse).slice(0, most);
      return { machine, instances, isComplete: nextCursor === null };
    }),
  );
  const isMoving = (group: (typeof groups)[number]) => group.instances.some(isNoRest);
  return [...groups.filter(isMoving), ...groups.filter((each) => !isMoving(each))]
    .filter(({ instances }) => instances.length > 0)
    .map(({ instances, ...group }) => ({ ...group, instances: instances.map(instanceBody) }));
}

/** Active before ended, then what changed last. */
function byUse(a: Instance, b: Instance): number {
  const endedLast = Number(a.status !== "active") - Number(b.status !== "active");
  return endedLast || b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1);
}

function isNoRest({ status, tags }: Instance): boolean {
  return status === "active" && (!tags.includes("steady") || tags.includes("attention"));
}
