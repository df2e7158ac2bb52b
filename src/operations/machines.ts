import { z } from "zod";
import { metaOf, sendersOf, stateNodesOf, versionOf, type Machine } from "../core/machine.ts";
import { drawSvg } from "../diagram/svg.ts";
import { operation } from "./operation.ts";

const machineParams = z.strictObject({ machine: z.string().min(1).max(200) });

export const listMachines = operation({
  name: "list-machines",
  summary: "The statecharts that run here.",
  method: "GET",
  path: "/v1/machines",
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
  isChange: false,
  run: async ({ params }, _caller, { engine }) => ({
    status: 200,
    contentType: "image/svg+xml",
    body: await drawSvg(engine.catalogue.machine(params.machine)),
  }),
});

function summaryOf(machine: Machine) {
  return { name: machine.name, version: versionOf(machine), description: machine.chart.root.description ?? null };
}

function detailsOf(machine: Machine) {
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
    events: Object.entries(machine.events).map(([type, schema]) => ({
      type,
      sentBy: sendersOf(schema),
      schema: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }),
    })),
  };
}
