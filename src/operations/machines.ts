import { z } from "zod";
import {
  fieldsSetByOperation,
  isApproval,
  leadingRegion,
  metaOf,
  sendersOf,
  stateNodesOf,
  versionOf,
  type Machine,
} from "../core/machine.ts";
import { machineDetails, machineList, type MachineDetails, type MachineSummary } from "./answer-schemas.ts";
import { operation, type Drawings } from "./operation.ts";

const machineParams = z.strictObject({
  machine: z.string().min(1).max(200).meta({ description: "The name of a statechart." }),
});
const machineExample = { params: { machine: "line" } };

export const listMachines = operation({
  name: "list-machines",
  summary: "The statecharts that run here.",
  method: "GET",
  path: "/v1/machines",
  permission: "read",
  answers: { 200: { description: "All of them.", schema: machineList } },
  isChange: false,
  run: async (_asked, _caller, { engine }) => ({
    status: 200,
    body: { items: engine.catalogue.machines.map(summaryOf), nextCursor: null },
  }),
});

export const showMachine = operation({
  name: "show-machine",
  summary: "One statechart: its states, its events with their schemas, and who may send them.",
  method: "GET",
  path: "/v1/machines/:machine",
  params: machineParams,
  permission: "read",
  answers: { 200: { description: "The statechart.", schema: machineDetails } },
  example: machineExample,
  isChange: false,
  run: async ({ params }, _caller, { engine }) => ({
    status: 200,
    body: detailsOf(engine.catalogue.machine(params.machine)),
  }),
});

export const showDiagram = operation({
  name: "show-diagram",
  summary: "The picture of a statechart.",
  method: "GET",
  path: "/v1/machines/:machine/diagram.svg",
  params: machineParams,
  permission: "read",
  answers: { 200: { description: "The picture, as SVG.", contentType: "image/svg+xml" } },
  example: machineExample,
  isChange: false,
  run: async ({ params }, _caller, { engine, drawings }) => ({
    status: 200,
    contentType: "image/svg+xml",
    body: await drawings.of(engine.catalogue.machine(params.machine)),
  }),
});

/** Pictures, each drawn once: it takes a second, and a chart does not change while it runs. */
export function createDrawings(): Drawings {
  const drawn = new Map<Machine, Promise<string>>();
  return {
    of(machine) {
      const known = drawn.get(machine) ?? draw(machine);
      drawn.set(machine, known);
      return known;
    },
  };
}

/** Loaded when it is asked for: laying out takes more code than all the rest, and commands are to be quick. */
async function draw(machine: Machine): Promise<string> {
  const { drawSvg } = await import("../diagram/svg.ts");
  return drawSvg(machine);
}

function summaryOf(machine: Machine): MachineSummary {
  return { name: machine.name, version: versionOf(machine), description: machine.chart.root.description ?? null };
}

function detailsOf(machine: Machine): MachineDetails {
  const states = stateNodesOf(machine.chart).filter(({ type }) => type !== "parallel" && type !== "compound");
  return {
    ...summaryOf(machine),
    input: z.toJSONSchema(machine.input, { io: "input", unrepresentable: "any" }),
    states: states.map((node) => ({
      id: node.id,
      name: node.key,
      isFinal: node.type === "final",
      description: node.description ?? null,
      waitingFor: metaOf(node).waitingFor ?? null,
      tags: node.tags,
    })),
    nodes: stateNodesOf(machine.chart).map((node) => ({
      id: node.id,
      parent: node.parent?.id ?? null,
      name: node.key,
      kind: node.type,
      isLeading: node === leadingRegion(machine.chart),
    })),
    events: Object.entries(machine.events).map(([type, schema]) => ({
      type,
      sentBy: [...sendersOf(schema)],
      isApproval: isApproval(schema),
      schema: payloadSchema(schema),
    })),
  };
}

/** As it is taken from outside: without what only an operation of ours fills in. */
function payloadSchema(schema: z.ZodType) {
  const {
    sentBy: _sentBy,
    approval: _approval,
    properties = {},
    ...described
  } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  });
  const ours = fieldsSetByOperation(schema);
  const open = Object.entries(properties).filter(([name]) => !ours.includes(name));
  return { ...described, properties: Object.fromEntries(open) };
}
