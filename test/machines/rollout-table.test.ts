import { describe, expect, it } from "vitest";
import { parseRolloutId, rolloutIdOf } from "../../machines/rollout/rollout-id.ts";
import { isTerminalForOrdering, rolloutStates, type RolloutState } from "../../machines/rollout/states.ts";
import { codesOf, rolloutOf, type Rollout } from "./rollout-steps.ts";

type Event = { type: string } & Record<string, unknown>;
type Column =
  | "host.joined"
  | "host.changed"
  | "wave.advanced"
  | "rollout.completed"
  | "rollout.superseded"
  | "retention.expired";
/** What an event leads to: "refused", "no-op", "counted" (stays and is changed), or the state. */
type Verdict = "refused" | "no-op" | "counted" | RolloutState;

const joined: Event = { type: "host.joined", wave: 3 };
const completed: Event = { type: "rollout.completed" };
const superseded: Event = { type: "rollout.superseded", by: "stable@v3" };
const expired: Event = { type: "retention.expired" };
const changed = (from: string, to: string): Event => ({ type: "host.changed", from, to, wave: 0 });
const advanced = (fromWave: number, toWave: number): Event => ({ type: "wave.advanced", fromWave, toWave });

/** The events that lead to each state from the beginning. */
const paths: Readonly<Record<RolloutState, readonly Event[]>> = {
  Opening: [],
  Active: [joined],
  Converging: [joined, advanced(0, 0)],
  Terminal: [joined, completed],
  Reverted: [joined, changed("Failed", "Reverted")],
  Failed: [joined, changed("Soaking", "Failed")],
  Superseded: [superseded],
  Pruned: [superseded, expired],
};

const progress = ["Pending", "Activating", "Deferred", "Soaking", "Converged", "Released", "Excused"];
const counted = [...progress, "Failed", "Reverted"].map((to) => [changed("Soaking", to), "counted"] as const);
const underWay = [
  ...progress.map((to) => [changed("Soaking", to), "counted"] as const),
  [changed("Soaking", "Reverted"), "Reverted"],
  [changed("Failed", "Reverted"), "Reverted"],
  [changed("Activating", "Failed"), "Failed"],
] as const;

/** 8 states, 6 events; each cell is what its events lead to. */
const table: Readonly<Record<RolloutState, Readonly<Record<Column, readonly (readonly [Event, Verdict])[]>>>> = {
  Opening: {
    "host.joined": [[joined, "Active"]],
    "host.changed": [
      [changed("Pending", "Activating"), "refused"],
      [changed("Soaking", "Failed"), "refused"],
    ],
    "wave.advanced": [
      [advanced(0, 1), "refused"],
      [advanced(0, 0), "refused"],
    ],
    "rollout.completed": [[completed, "refused"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "refused"]],
  },
  Active: {
    "host.joined": [[joined, "counted"]],
    "host.changed": underWay,
    "wave.advanced": [
      [advanced(0, 1), "counted"],
      [advanced(0, 0), "Converging"],
      [advanced(1, 0), "Converging"],
    ],
    "rollout.completed": [[completed, "Terminal"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "refused"]],
  },
  Converging: {
    "host.joined": [[joined, "counted"]],
    "host.changed": underWay,
    "wave.advanced": [
      [advanced(0, 1), "Active"],
      [advanced(0, 0), "no-op"],
      [advanced(1, 0), "no-op"],
    ],
    "rollout.completed": [[completed, "Terminal"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "refused"]],
  },
  Terminal: {
    "host.joined": [[joined, "no-op"]],
    "host.changed": counted,
    "wave.advanced": [
      [advanced(0, 1), "refused"],
      [advanced(0, 0), "refused"],
    ],
    "rollout.completed": [[completed, "no-op"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "Pruned"]],
  },
  Reverted: {
    "host.joined": [[joined, "no-op"]],
    "host.changed": counted,
    "wave.advanced": [
      [advanced(0, 1), "no-op"],
      [advanced(0, 0), "no-op"],
    ],
    "rollout.completed": [[completed, "no-op"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "Pruned"]],
  },
  Failed: {
    "host.joined": [[joined, "no-op"]],
    "host.changed": [
      ...progress.map((to) => [changed("Soaking", to), "counted"] as const),
      [changed("Soaking", "Failed"), "counted"],
      [changed("Failed", "Reverted"), "Reverted"],
    ],
    "wave.advanced": [
      [advanced(0, 1), "no-op"],
      [advanced(0, 0), "no-op"],
    ],
    "rollout.completed": [[completed, "no-op"]],
    "rollout.superseded": [[superseded, "Superseded"]],
    "retention.expired": [[expired, "Pruned"]],
  },
  Superseded: {
    "host.joined": [[joined, "no-op"]],
    "host.changed": counted,
    "wave.advanced": [
      [advanced(0, 1), "no-op"],
      [advanced(0, 0), "no-op"],
    ],
    "rollout.completed": [[completed, "no-op"]],
    "rollout.superseded": [[{ ...superseded, by: "stable@v4" }, "no-op"]],
    "retention.expired": [[expired, "Pruned"]],
  },
  Pruned: {
    "host.joined": [[joined, "refused"]],
    "host.changed": [[changed("Soaking", "Converged"), "refused"]],
    "wave.advanced": [
      [advanced(0, 1), "refused"],
      [advanced(0, 0), "refused"],
    ],
    "rollout.completed": [[completed, "refused"]],
    "rollout.superseded": [[superseded, "refused"]],
    "retention.expired": [[expired, "refused"]],
  },
};

const cells = rolloutStates.flatMap((state) =>
  Object.values(table[state]).flatMap((column) => column.map(([event, verdict]) => ({ state, event, verdict }))),
);

describe("a rollout that is driven by its events alone", () => {
  it.each(cells)("in $state takes $event as: $verdict", ({ state, event, verdict }) => {
    const rollout = rolloutIn(state);

    const result = rollout.send(event);

    const stayed = { changed: "counted", unchanged: "no-op", refused: "refused" }[result.outcome];
    expect(rollout.state === state ? stayed : rollout.state).toBe(verdict);
    if (result.outcome === "refused") expect(codesOf(result)).toEqual([state === "Pruned" ? "ended" : "not-accepted"]);
  });

  it("has a cell for each of 8 states and 6 events", () => {
    expect(Object.values(table).map((row) => Object.keys(row).length)).toEqual(Array(8).fill(6));
  });

  it("is not moved on by the wave of a host that joins", () => {
    const rollout = rolloutIn("Opening");

    rollout.send({ type: "host.joined", wave: 3 });

    expect(rollout.context.currentWave).toBe(0);
  });

  it("takes the later of two waves, and never goes back", () => {
    const rollout = rolloutIn("Active");

    const waves = [advanced(0, 4), advanced(1, 2), advanced(4, 4), advanced(2, 3), advanced(4, 5)].map((event) => {
      rollout.send(event);
      return [rollout.state, rollout.context.currentWave];
    });

    expect(waves).toEqual([
      ["Active", 4],
      ["Active", 4],
      ["Converging", 4],
      ["Active", 4],
      ["Active", 5],
    ]);
  });

  it("says when it became Terminal, and keeps that when it is superseded", () => {
    const rollout = rolloutIn("Active");
    rollout.pass(5_000);

    rollout.send(completed);
    rollout.pass(5_000);
    rollout.send(completed);
    rollout.send(superseded);

    expect(rollout.context).toMatchObject({
      terminalAt: 5_000,
      supersededAt: 10_000,
      supersededBy: "stable@v3",
      endedBy: "completed",
    });
  });

  it("keeps the first that superseded it", () => {
    const rollout = rolloutIn("Active");
    rollout.send(superseded);
    rollout.pass(1_000);

    rollout.send({ ...superseded, by: "stable@v4" });

    expect(rollout.context).toMatchObject({ supersededAt: 0, supersededBy: "stable@v3", endedBy: "superseded" });
  });

  it("stays Failed when a host goes back although its policy is to halt", () => {
    const rollout = rolloutOf({ policy: { onHealthFailure: "halt" } });
    for (const event of paths.Failed) rollout.send(event);

    rollout.send(changed("Failed", "Reverted"));

    expect(rollout.state).toBe("Failed");
  });

  it("goes from Failed to Reverted under a policy that brings every host back, too", () => {
    const rollout = rolloutOf({ policy: { onHealthFailure: "rollback-all" } });
    for (const event of paths.Failed) rollout.send(event);

    rollout.send(changed("Failed", "Reverted"));

    expect(rollout.state).toBe("Reverted");
  });

  it("bears as many failures as its policy says, and counts a host once that fails and goes back", () => {
    const rollout = rolloutOf({ policy: { maxFailures: 1 } });
    rollout.send(joined);

    const states = [changed("Soaking", "Failed"), changed("Failed", "Reverted"), changed("Soaking", "Failed")].map(
      (event) => {
        rollout.send(event);
        return rollout.state;
      },
    );

    expect(states).toEqual(["Active", "Active", "Failed"]);
  });

  it("is done once it is pruned: nothing is left to do for it", () => {
    const rollout = rolloutIn("Pruned");

    expect(rollout.snapshot.status).toBe("done");
    expect([...rollout.timers, ...rollout.calls]).toEqual([]);
  });
});

describe("the order of rollouts", () => {
  it("takes Terminal and Superseded for done, and nothing else", () => {
    expect(rolloutStates.filter(isTerminalForOrdering)).toEqual(["Terminal", "Superseded"]);
    expect(isTerminalForOrdering("terminal")).toBe(false);
  });
});

describe("the id of a rollout", () => {
  it.each([
    ["stable@v2", { channel: "stable", ref: "v2", run: 1 }],
    ["stable@v2~2", { channel: "stable", ref: "v2", run: 2 }],
    ["edge_eu-1@9f8c2d1~10", { channel: "edge_eu-1", ref: "9f8c2d1", run: 10 }],
    ["stable@v1.2.3+build-7", { channel: "stable", ref: "v1.2.3+build-7", run: 1 }],
  ])("%s is read, and written the same again", (id, parts) => {
    expect(parseRolloutId(id)).toEqual(parts);
    expect(rolloutIdOf(parts)).toBe(id);
  });

  it.each([
    "",
    "stable",
    "@v2",
    "stable@",
    "stable@v2~",
    "stable@v2~0",
    "stable@v2~1",
    "stable@v2~02",
    "stable@v2~x",
    "stable@v2~2~3",
    "stable@v2@v3",
    "Stable@v2",
    "-stable@v2",
    "stable@-v2",
    "stable@v 2",
    "stable@v2/web-1",
    `${"s".repeat(64)}@v2`,
    "stable@v2~9999999999",
    "stable@v2\n",
  ])("is not %j", (id) => {
    expect(parseRolloutId(id)).toBeUndefined();
  });
});

function rolloutIn(state: RolloutState): Rollout {
  const rollout = rolloutOf();
  for (const event of paths[state]) rollout.send(event);
  expect(rollout.state).toBe(state);
  return rollout;
}
