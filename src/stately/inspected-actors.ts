import { isSignalboxError } from "../core/errors.ts";
import type { Machine, Snapshot } from "../core/machine.ts";
import { completedChild, start, step, type StampedEvent } from "../core/step.ts";
import { statelyConfig } from "../diagram/stately.ts";
import { parseInput } from "../engine/catalogue.ts";
import type { Engine } from "../engine/engine.ts";
import type { Head } from "../engine/head.ts";
import type { JournalEntry } from "../engine/reading.ts";
import {
  actorMessage,
  eventMessage,
  snapshotMessage,
  type Happening,
  type Inspected,
  type InspectionMessage,
} from "./messages.ts";

const actorsMax = 200; // what the receiver of the protocol keeps itself; more lifelines than that nobody reads

/**
 * The instances that a receiver knows, each as the journal leaves it: an entry tells the event and not the context, so its
 * event is stepped again. Those that were quiet for the longest are forgotten over the limit, and met again when they move.
 */
export interface InspectedActors {
  /** Begins with the instances that are active now. Forgets those that it knew. */
  meetActive(): Promise<void>;
  /** Introduces all that are known, parents before their children. */
  announcements(): InspectionMessage[];
  /** What one entry has to tell, in order. */
  messagesOf(entry: JournalEntry): Promise<InspectionMessage[]>;
}

interface Actor extends Inspected {
  readonly machine: Machine;
  readonly depth: number;
}

export function createInspectedActors(engine: Engine): InspectedActors {
  const actors = new Map<string, Actor>(); // the quietest first
  const definitions = new Map<Machine, string>();
  let newcomers: Actor[] = []; // not announced yet, parents before their children

  async function meetActive(): Promise<void> {
    actors.clear();
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await engine.list({ status: "active", limit: engine.limits.pageMax, ...(cursor && { cursor }) });
      for (const { id } of page.items) {
        await meet(id);
        if (actors.size >= actorsMax) return;
      }
      cursor = page.nextCursor;
    }
  }

  /** Takes an instance up as it is committed, after those above it. Nothing for one whose chart is not here. */
  async function meet(id: string): Promise<Actor | undefined> {
    const head = await headOf(id);
    return head && keep(actorOf(head, await parentOf(head)));
  }

  async function headOf(id: string): Promise<Head | undefined> {
    try {
      return await engine.head(id);
    } catch (error) {
      if (isSignalboxError(error, "not-found") || isSignalboxError(error, "needs-migration")) return undefined;
      throw error;
    }
  }

  async function parentOf({ row: { parent } }: Head): Promise<Actor | undefined> {
    return parent === null ? undefined : (actors.get(parent.instance) ?? (await meet(parent.instance)));
  }

  function actorOf({ machine, row, snapshot }: Head, parent: Actor | undefined): Actor {
    const { id, version, at } = row;
    const family = row.parent && { parentId: row.parent.instance, callId: row.parent.id };
    const rootId = parent?.rootId ?? row.parent?.instance ?? id;
    const depth = parent === undefined ? 0 : parent.depth + 1;
    return { id, rootId, ...family, depth, machine, definition: definitionOf(machine), version, snapshot, at };
  }

  function definitionOf(machine: Machine): string {
    const definition = definitions.get(machine) ?? JSON.stringify(statelyConfig(machine));
    definitions.set(machine, definition);
    return definition;
  }

  function keep(actor: Actor): Actor {
    if (!actors.delete(actor.id)) newcomers.push(actor);
    actors.set(actor.id, actor);
    if (actors.size > actorsMax) {
      const ended = [...actors.values()].find(({ snapshot }) => snapshot.status !== "active");
      const [quietest = actor.id] = actors.keys();
      actors.delete(ended?.id ?? quietest);
    }
    return actor;
  }

  async function messagesOf(entry: JournalEntry): Promise<InspectionMessage[]> {
    if (entry.kind === "compacted" || entry.kind === "forgotten") return []; // it is where it was
    if (entry.kind === "created") return birth(entry);
    const known = actors.get(entry.instance);
    const actor = known === undefined ? await meet(entry.instance) : await moved(known, entry);
    if (actor === undefined) return [];
    const happening = { ...entry, event: entry.event ?? { type: `signalbox.${entry.kind}` } };
    return [...introductions(), ...newsOf(actor, happening, sourceOf(actor, happening.event.type))];
  }

  function introductions(): InspectionMessage[] {
    const messages = newcomers.map(actorMessage);
    newcomers = [];
    return messages;
  }

  async function birth(entry: JournalEntry): Promise<InspectionMessage[]> {
    const head = await headOf(entry.instance);
    if (head === undefined) return [];
    const first = { ...head, row: { ...head.row, version: entry.version, at: entry.at } };
    const snapshot = startedAgain(head, entry.at);
    const parent = await parentOf(head);
    const actor = keep(actorOf(snapshot === undefined ? head : { ...first, snapshot }, parent));
    return [...introductions(), ...newsOf(actor, { ...entry, event: { type: "xstate.init" } }, actor.parentId)];
  }

  /** The actor after an entry; as it is committed where stepping does not lead there. */
  async function moved(actor: Actor, { event, outcome, version, at }: JournalEntry): Promise<Actor | undefined> {
    if (version <= actor.version) return keep(actor);
    if (event !== null && outcome === "changed" && version === actor.version + 1) {
      const snapshot = steppedAgain(actor, event as StampedEvent); // the engine stamped it before it was written
      if (snapshot !== undefined) return keep({ ...actor, snapshot, version, at });
    }
    return meet(actor.id);
  }

  /** The child whose end an event tells. */
  function sourceOf({ id }: Actor, eventType: string): string | undefined {
    const call = completedChild(eventType);
    if (call === undefined) return undefined;
    return [...actors.values()].findLast(({ parentId, callId }) => parentId === id && callId === call)?.id;
  }

  return {
    meetActive,
    announcements() {
      newcomers = [];
      return [...actors.values()].toSorted((a, b) => a.depth - b.depth).map(actorMessage);
    },
    messagesOf,
  };
}

/** The event and where it led; not the latter of an actor that was taken up when it was already further. */
function newsOf(actor: Actor, happening: Happening & { version: number }, sourceId?: string): InspectionMessage[] {
  const event = eventMessage(actor, happening, sourceId);
  return actor.version === happening.version ? [event, snapshotMessage(actor, happening)] : [event];
}

/** Nothing where a chart does not do the same twice; `verify` says of such a one what is wrong with it. */
function startedAgain({ machine, row }: Head, at: number): Snapshot | undefined {
  try {
    return start(machine, parseInput(machine, JSON.parse(row.input)), at).snapshot;
  } catch {
    return undefined;
  }
}

function steppedAgain({ machine, snapshot }: Actor, event: StampedEvent): Snapshot | undefined {
  try {
    const stepped = step(machine, snapshot, event);
    return stepped.outcome === "changed" ? stepped.snapshot : undefined;
  } catch {
    return undefined;
  }
}
