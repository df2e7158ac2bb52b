import { createActor, fromPromise } from "xstate";
import { nodeMaintenance } from "../machines/node-maintenance/node-maintenance.ts";
import { freeze } from "../src/core/freeze.ts";
import { start, step, type StampedEvent } from "../src/core/step.ts";
import { costOf, type Cost, type Figure } from "./measure.ts";
import { maintenanceWindow } from "./workload.ts";

const at = 1_000_000;
const input = { node: "alpha" };
const events = maintenanceWindow.map((event): StampedEvent => ({ ...event, at, principal: "local" }));
const eventOf = (turn: number) => events[turn % events.length] as StampedEvent;
const rounds = { times: 20_000, rounds: 9 };

/** A step of a hot instance, and a refusal, beside XState's own live actor of the same machine. */
export function measureStep(): Record<"step" | "refusal", Figure> & { stepAndFreezeUs: number } {
  const { best: sendUs } = costOf(sendToLiveActor, rounds);
  const stepCost = costOf((times) => {
    let { snapshot } = start(nodeMaintenance, input, at);
    for (let turn = 0; turn < times; turn += 1) ({ snapshot } = step(nodeMaintenance, snapshot, eventOf(turn)));
  }, rounds);
  const refusalCost = costOf((times) => {
    const { snapshot } = start(nodeMaintenance, input, at);
    const refused: StampedEvent = { type: "maintenance.exit", at, principal: "local" };
    for (let turn = 0; turn < times; turn += 1) step(nodeMaintenance, snapshot, refused);
  }, rounds);
  const { best: stepAndFreezeUs } = costOf((times) => {
    let { snapshot } = start(nodeMaintenance, input, at);
    for (let turn = 0; turn < times; turn += 1) {
      ({ snapshot } = step(nodeMaintenance, snapshot, eventOf(turn)));
      JSON.stringify(freeze(snapshot));
    }
  }, rounds);
  const { best: handUs } = costOf(handWritten, rounds);
  const figure = ({ best, p50, p99 }: Cost): Figure => ({
    ratio: best / sendUs,
    baseline: "XState's live actor.send of the same machine, inert clock",
    perSecond: 1_000_000 / best,
    p50Ms: p50 / 1_000,
    p99Ms: p99 / 1_000,
    microseconds: best,
    liveSendMicroseconds: sendUs,
    handWrittenMicroseconds: handUs,
  });
  return { step: figure(stepCost), refusal: figure(refusalCost), stepAndFreezeUs };
}

function sendToLiveActor(times: number): void {
  const forever = fromPromise(() => new Promise<never>(() => {}));
  const chart = nodeMaintenance.chart.provide({
    actors: { drainNode: forever, resumeNode: forever, watchNode: forever },
  });
  const clock = { setTimeout: () => 0, clearTimeout: () => undefined };
  const actor = createActor(chart, { input: { ...input, at }, clock });
  actor.start();
  for (let turn = 0; turn < times; turn += 1) actor.send(eventOf(turn));
  actor.stop();
}

/** The same window as a switch over one object, without effects: what the least possible costs. */
function handWritten(times: number): void {
  let node = { state: "Active", epoch: 0, reason: "", blockers: 0, dueAt: 0, cordoned: false };
  for (let turn = 0; turn < times; turn += 1) {
    const event = eventOf(turn);
    switch (event.type) {
      case "maintenance.enter":
        if (node.state === "Active") {
          const reason = event["reason"] as string;
          node = {
            ...node,
            state: "EnteringMaintenance",
            epoch: node.epoch + 1,
            reason,
            dueAt: event.at + 600_000,
            cordoned: true,
          };
        }
        break;
      case "drain.progressed": {
        const blockers = (event["replicas"] as unknown[]).length + (event["daemons"] as unknown[]).length;
        if (node.state === "EnteringMaintenance")
          node = { ...node, blockers, state: blockers === 0 ? "Maintenance" : node.state };
        break;
      }
      case "maintenance.exit":
        if (node.state === "Maintenance") node = { ...node, state: "ExitingMaintenance" };
        else if (node.state === "Recovery") node = { ...node, state: "Active", cordoned: false };
        break;
      case "daemons.progressed":
        if (node.state === "ExitingMaintenance") node = { ...node, state: "Recovery" };
        break;
      default:
        throw new Error(`no such event: ${event.type}`);
    }
  }
}
