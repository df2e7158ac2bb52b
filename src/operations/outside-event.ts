import { agentEventTypes } from "../../machines/host/events.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Move } from "../core/outcome.ts";
import { parseEvent, parseInput } from "../engine/catalogue.ts";
import type { Engine } from "../engine/engine.ts";
import type { Caller } from "./operation.ts";
import { checkSender, hostOfAgent } from "./permission.ts";
import type { EventBody } from "./schemas.ts";

export interface OutsideEvent {
  /** Of the instance. */
  id: string;
  machine: string;
  event: EventBody;
}

/** Refuses an event that the caller may not send beside a numbered stream. */
export function checkOutsideEvent({ catalogue }: Engine, caller: Caller, sending: OutsideEvent): void {
  const { id, machine, event } = sending;
  checkSender(caller, { id, machine: catalogue.find(machine), type: event.type });
  checkNeedsNoNumber(caller, sending);
}

const ofAgents: ReadonlySet<string> = new Set(agentEventTypes);

/** What an agent tells of its host counts once and in order by its number: without one it would count beside what the agent itself knows. */
function checkNeedsNoNumber({ principal, role }: Caller, { machine, event }: OutsideEvent): void {
  if (machine !== "host" || !ofAgents.has(event.type) || hostOfAgent(role) === undefined) return;
  const detail = `${principal} is the agent of a host and tells ${event.type} with its number: POST /v1/agent/events.`;
  throw new SignalboxError("forbidden", detail);
}

/** Checks the moves of a transaction one by one, so that a fault says which of them has it and where. */
export async function checkMoves(engine: Engine, caller: Caller, moves: readonly Move[]): Promise<void> {
  const created = new Map<string, string>();
  for (const [index, move] of moves.entries()) {
    const under = `/moves/${index}/${"create" in move ? "create" : "event"}`;
    try {
      await checkMove(engine, caller, { move, created });
    } catch (error) {
      if (!isSignalboxError(error)) throw error;
      const { code, detail, details } = error;
      const errors = details.errors?.map((each) => ({ ...each, pointer: `${under}${each.pointer}` }));
      throw new SignalboxError(code, detail, { ...(errors && { errors }), extra: { ...details.extra, move: index } });
    }
  }
}

interface MoveToCheck {
  move: Move;
  /** Machines by id of the instances that the moves before it make. */
  created: Map<string, string>;
}

async function checkMove(engine: Engine, caller: Caller, { move, created }: MoveToCheck): Promise<void> {
  if ("create" in move) {
    const { machine, id, input } = move.create;
    parseInput(engine.catalogue.machine(machine), input);
    created.set(id, machine);
    return;
  }
  const { event } = move;
  const machine = created.get(move.id) ?? (await engine.read(move.id)).machine;
  checkOutsideEvent(engine, caller, { id: move.id, machine, event });
  parseEvent(engine.catalogue.machine(machine), event);
}
