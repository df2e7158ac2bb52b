import fc from "fast-check";
import { expect, it } from "vitest";
import { until } from "../providers/until.ts";
import { runs } from "../support/runs.ts";
import { createProcessFleet } from "./process-fleet.ts";

const yaml = "probes: [{ name: app, every: 500ms, exec: { command: [test, -s, version] } }]";
const host = /\/(web-\d+)$/;

it("converges and activates each version once on each host, at whatever point of it agents are killed", {
  timeout: 300_000, // the more kills, the longer
}, async () => {
  const fleet = await createProcessFleet({ hosts: 4, yaml });
  const { controlPlane, hosts } = fleet;
  const gaps = fc.sample(fc.nat({ max: 7 }), runs(5)); // entries of the journal between two kills
  const restarts: Promise<void>[] = [];
  const refs: string[] = [];
  let position = 0;
  const isOver = async () => (await controlPlane.stateOf(`stable@${refs.at(-1)}`)) === "Terminal";

  /** Whom the journal tells of after a number of entries: something has just happened to it. */
  async function movedAfter(gap: number): Promise<string | undefined> {
    const moved: string[] = [];
    await until("it goes on", async () => {
      const { entries } = await controlPlane.get(`/v1/journal?after=${position}&limit=100`);
      for (const { seq, instance } of entries as { seq: number; instance: string }[]) {
        position = seq;
        const name = host.exec(instance)?.[1];
        if (name !== undefined) moved.push(name);
      }
      return moved.length > gap || (await isOver());
    });
    return moved.at(-1);
  }

  while (gaps.length > 0) {
    refs.push(`v${refs.length + 2}`);
    await fleet.declare(refs.at(-1) as string);
    while (gaps.length > 0 && !(await isOver())) {
      const moved = await movedAfter(gaps.at(-1) as number);
      const victim = hosts.find(({ name }) => name === moved);
      if (victim === undefined) continue;
      gaps.pop();
      restarts.push(victim.kill());
    }
    await Promise.all(restarts);
    await until("the rollout is over", isOver);
  }

  const expected = refs.map((ref, index) => `${refs[index - 1] ?? "v1"} -> ${ref}`);
  expect(hosts.map(({ workplace }) => workplace.activations())).toEqual(hosts.map(() => expected));
  expect(hosts.map(({ workplace }) => workplace.version())).toEqual(hosts.map(() => refs.at(-1)));
});
