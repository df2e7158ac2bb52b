import { describe, expect, it } from "vitest";
import { isSignalboxError } from "../../src/core/errors.ts";
import { groupsOf, membersOf } from "../../src/providers/processes/maintenance-groups.ts";
import { parseNodesFile } from "../../src/providers/processes/nodes-file.ts";

const whole = `
groups: { web: { port: 4300, health: /health, minHealthy: 2 } }
nodes:
  alpha:
    labels: { rack: a }
    replicas: { web-1: { group: web, command: ["node", "app.js"], env: { COLOR: blue, WORKERS: 2 } } }
    daemons:  { log-shipper: { command: ["node", "ship.js"] }, watchdog: { command: ["node", "dog.js"], essential: true } }
  beta:
    labels: { rack: b }
    replicas: { web-2: { group: web, command: ["node", "app.js"] } }
maintenanceGroups: { racks: { selector: { rack: a }, maxUnavailable: 1 } }
`;

/** The faults of a file, as `pointer: detail`. */
function faultsOf(text: string): string[] {
  try {
    parseNodesFile(text);
  } catch (error) {
    if (!isSignalboxError(error, "invalid-request")) throw error;
    return (error.details.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  }
  return [];
}

describe("the nodes file", () => {
  it("says what is meant to run, and where", () => {
    const file = parseNodesFile(whole);

    expect([...file.nodes.keys()]).toEqual(["alpha", "beta"]);
    expect(file.replicas.get("web-1")).toEqual({
      name: "web-1",
      node: "alpha",
      group: "web",
      command: ["node", "app.js"],
      env: { COLOR: "blue", WORKERS: "2" },
    });
    expect(file.nodes.get("alpha")?.daemons.get("watchdog")).toMatchObject({ node: "alpha", essential: true });
    expect(file.nodes.get("alpha")?.daemons.get("log-shipper")).toMatchObject({ essential: false });
  });

  it("has defaults for every knob, which the file and then a group may set", () => {
    const file = parseNodesFile(`
stopGraceMs: 3000
groups: { web: { port: 1, openRequestsMs: 5 } }
nodes: { alpha: { replicas: { web-1: { group: web, command: [a] } } } }
`);

    expect(file.groups.get("web")).toEqual({
      name: "web",
      port: 1,
      healthPath: "/",
      minHealthy: 1,
      stopGraceMs: 3_000,
      openRequestsMs: 5,
      healthTimeoutMs: 30_000,
      healthIntervalMs: 1_000,
    });
    expect(file.drain).toEqual({ batchSize: 2, pauseMs: 500 });
    expect(file.stopGraceMs).toBe(3_000);
  });

  it("tells every fault at once, those between its parts as well", () => {
    const faults = faultsOf(`
groups: { web: { port: 0, colour: red }, api: { port: 80, minHealthy: 1 }, old: { port: 80 } }
nodes:
  alpha:
    replicas:
      web-1: { group: web, command: [] }
      web-2: { group: nowhere, command: [a], env: { PORT: 1 } }
  beta:
    replicas: { web-1: { group: web, command: [""] } }
    daemons: { "../up": { command: [a] } }
maintenanceGroups:
  racks: { selector: { rack: a }, maxUnavailable: 0 }
  rows: { selector: { row: a }, maxUnavailable: 200% }
`);

    expect(faults.map((fault) => fault.split(": ")[0]).toSorted()).toEqual([
      "/groups/api/minHealthy",
      "/groups/old/port",
      "/groups/web/colour",
      "/groups/web/port",
      "/maintenanceGroups/racks/maxUnavailable",
      "/maintenanceGroups/rows/maxUnavailable",
      "/nodes/alpha/replicas/web-1/command",
      "/nodes/alpha/replicas/web-2/env/PORT",
      "/nodes/alpha/replicas/web-2/group",
      "/nodes/beta/daemons/..~1up",
      "/nodes/beta/replicas/web-1",
      "/nodes/beta/replicas/web-1/command",
    ]);
    expect(faults).toContain(
      "/nodes/beta/replicas/web-1: A replica web-1 is already on node alpha (line 9, column 17)",
    );
    expect(faults).toContain("/nodes/alpha/replicas/web-2/group: There is no group nowhere (line 7, column 16)");
    expect(faults).toContain("/groups/web/colour: unknown field (line 2, column 27)");
  });

  it("says in which line it is no YAML, or has a name twice", () => {
    expect(faultsOf("nodes:\n  alpha: {}\n  alpha: {}\n")).toEqual([
      ': "alpha" stands here for the second time (line 3, column 3)',
    ]);
    expect(faultsOf("nodes:\n  alpha: {\n")).toEqual([expect.stringMatching(/\(line \d, column \d+\)$/)]);
  });

  it.each([
    ["is no YAML", "nodes: {"],
    ["names a node twice", "nodes: { alpha: {}, alpha: {} }"],
    ["is empty", ""],
    ["is no mapping", "[]"],
    ["is too large", `nodes: {} # ${"x".repeat(1_100_000)}`],
    [
      "unfolds without end",
      `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
nodes: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
    ],
    ["promises more healthy replicas than there are", "groups: { web: { port: 1, minHealthy: 1 } }\nnodes: {}"],
  ])("is refused when it %s", (_, text) => {
    expect(faultsOf(text)).not.toEqual([]);
  });
});

describe("maintenance groups", () => {
  const file = parseNodesFile(`
nodes:
  alpha: { labels: { rack: a, row: 1 } }
  beta: { labels: { rack: a, row: 2 } }
  gamma: { labels: { rack: a, row: 1 } }
  delta: {}
maintenanceGroups:
  racks: { selector: { rack: a } }
  corner: { selector: { rack: a, row: 1 }, maxUnavailable: 2 }
  share: { selector: { rack: a }, maxUnavailable: 70% }
  little: { selector: { rack: a }, maxUnavailable: 1% }
  all: { selector: {}, maxUnavailable: 50% }
`);

  it("select the nodes that carry all of their labels", () => {
    expect(groupsOf(file, "alpha")).toEqual(["racks", "corner", "share", "little", "all"]);
    expect(groupsOf(file, "beta")).toEqual(["racks", "share", "little", "all"]);
    expect(groupsOf(file, "delta")).toEqual(["all"]);
    expect(groupsOf(file, "unknown")).toEqual([]);
    expect(membersOf(file, "corner")).toEqual(["alpha", "gamma"]);
    expect(membersOf(file, "unknown")).toEqual([]);
  });

  it("let one member be away unless they say more", () => {
    const limits = ["racks", "corner", "share"].map((group) => file.maintenanceGroups.get(group)?.maxUnavailable);

    expect(limits).toEqual([1, 2, "70%"]);
  });

  it.each(["12.5%", "0.5%", "0%", "101%", "-1%", "many", "1.5", "-1", "true", "null"])(
    "are refused in the file, not by what becomes of it, when their share is %s",
    (limit) => {
      const text = `nodes: { alpha: {} }\nmaintenanceGroups: { all: { selector: {}, maxUnavailable: ${limit} } }`;

      expect(faultsOf(text)).toEqual([
        "/maintenanceGroups/all/maxUnavailable: A number of nodes from 1, or a share from 1% to 100% without a fraction, such as 25% (line 2, column 43)",
      ]);
    },
  );
});
