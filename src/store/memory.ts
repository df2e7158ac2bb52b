import { createMemoryJournal } from "./memory-journal.ts";
import { createPendingRows } from "./pending-rows.ts";
import {
  pendingStateOf,
  type Claim,
  type CommandRow,
  type CommitResult,
  type Element,
  type InstanceQuery,
  type InstanceRow,
  type NewInstanceRow,
  type PendingChange,
  type PendingQuery,
  type PendingRow,
  type Store,
} from "./store.ts";
import { compareText, createTextOrder } from "./text-order.ts";
import { transitionsIn } from "./transitions.ts";

/** A store that forgets with its process: for tests and simulations. Keeps all promises but that of surviving. */
export function memoryStore(): Store {
  const instances = new Map<string, InstanceRow>();
  const ids = createTextOrder(); // of the instances
  const journal = createMemoryJournal();
  const pending = createPendingRows();
  const commands = new Map<string, CommandRow>();

  function verdictOn(element: Element): CommitResult {
    const { command } = element;
    if (command !== undefined && commands.has(commandKey(command.principal, command.id))) return "duplicate";
    if (element.fences.some(({ key }) => pending.get(key) === undefined)) return "settled";
    const versionOf = (id: string) => instances.get(id)?.version ?? 0;
    if (element.writes.some(({ row, expected }) => versionOf(row.id) !== expected)) return "stale";
    if (element.expects.some(({ id, version }) => versionOf(id) !== version)) return "stale";
    return "committed";
  }

  function apply(element: Element): void {
    writeInstances(element);
    if (element.forget !== undefined && instances.delete(element.forget)) ids.remove(element.forget);
    for (const { key, settle } of element.fences) if (settle) pending.remove(key);
    for (const change of element.changes) applyChange(change);
    if (element.cut !== undefined) journal.cut(element.cut);
    for (const row of element.journal) journal.append(row);
    if (element.command !== undefined) {
      commands.set(commandKey(element.command.principal, element.command.id), element.command);
    }
  }

  function writeInstances({ writes, journal: entries }: Element): void {
    const position = journal.position();
    const transitions = transitionsIn(entries, position);
    for (const { row: given, isWithinState } of writes) {
      const known = instances.get(given.id);
      const row = known !== undefined && isWithinState === true ? within(known, given) : given;
      const { first, last } = transitions.get(row.id) ?? {};
      const createdSeq = known?.createdSeq ?? first ?? position;
      if (known === undefined) ids.add(row.id);
      instances.set(row.id, { ...row, createdSeq, transitionSeq: last ?? known?.transitionSeq ?? createdSeq });
    }
  }

  function applyChange(change: PendingChange): void {
    switch (change.kind) {
      case "arm":
        if (change.row.kind !== "message") withdraw(change.row.instance, change.row.id);
        return pending.add(change.row);
      case "withdraw":
        return withdraw(change.instance, change.id);
      case "end":
        for (const { key } of pending.armedOf(change.instance)) pending.remove(key);
        return;
      case "discard":
        return pending.remove(change.key);
      default:
        change satisfies never;
    }
  }

  function withdraw(instance: string, id: string): void {
    const row = pending.armedAs(instance, id);
    if (row !== undefined) pending.remove(row.key);
  }

  /** Those that a query may mean: few where it names them. */
  function candidates({ instances: of, key }: PendingQuery): Iterable<PendingRow> {
    if (key !== undefined) return [pending.get(key)].filter((row) => row !== undefined);
    if (of === undefined) return pending.all();
    return [...new Set(of)].flatMap((id) => [...pending.armedOf(id), ...pending.sentBy(id)]);
  }

  return {
    async load(id) {
      const row = instances.get(id);
      return row === undefined ? undefined : { row, pending: pending.armedOf(id) };
    },

    async commit(batch) {
      return batch.map((element) => {
        const verdict = verdictOn(element);
        if (verdict === "committed") apply(element);
        return verdict;
      });
    },

    async command(principal, id) {
      return commands.get(commandKey(principal, id));
    },

    async claim({ owner, leaseUntil, ...wanted }: Claim) {
      const claimed = pending.claimable(wanted).map((row) => ({ ...row, leaseOwner: owner, leaseUntil }));
      for (const row of claimed) pending.replace(row);
      return claimed;
    },

    async renew({ keys, owner, leaseUntil }) {
      const held = keys.flatMap((key) => pending.get(key) ?? []).filter((row) => row.leaseOwner === owner);
      for (const row of held) pending.replace({ ...row, leaseUntil });
      return held.map(({ key }) => key);
    },

    async putBack(rows) {
      for (const { key, owner, dueAt, attempts, error, dead } of rows) {
        const row = pending.get(key);
        if (row?.leaseOwner !== owner) continue;
        pending.replace({ ...row, dueAt, attempts, error, dead, leaseOwner: null, leaseUntil: null });
      }
    },

    async takeBack() {
      const leased = [...pending.all()].filter(({ leaseOwner }) => leaseOwner !== null);
      for (const row of leased) pending.replace({ ...row, leaseOwner: null, leaseUntil: null });
      return leased.length;
    },

    async reschedule(rows) {
      for (const { key, dueAt } of rows) {
        const row = pending.get(key);
        if (row === undefined) continue;
        pending.replace({ ...row, dueAt, dead: false, attempts: 0, error: null, leaseOwner: null, leaseUntil: null });
      }
    },

    async nextDueAt() {
      return pending.nextDueAt();
    },

    async instances(query: InstanceQuery) {
      const found: InstanceRow[] = [];
      for (const id of ids.after(query.after)) {
        if (found.length >= query.limit) break;
        const row = instances.get(id) as InstanceRow;
        if (matchesInstance(row, query)) found.push(row);
      }
      return found;
    },

    async journal(query) {
      return journal.read(query);
    },

    async chain(query) {
      return journal.chain(query);
    },

    async pending(query: PendingQuery) {
      return [...candidates(query)]
        .filter((row) => matchesPending(row, query))
        .toSorted((a, b) => compareText(a.key, b.key))
        .slice(0, query.limit);
    },

    async countPending(now) {
      const groups = Map.groupBy(pending.all(), (row) => `${row.kind} ${pendingStateOf(row, now)}`);
      return [...groups.values()].flatMap((rows) =>
        rows.slice(0, 1).map((row) => ({ kind: row.kind, state: pendingStateOf(row, now), count: rows.length })),
      );
    },

    async position() {
      return journal.position();
    },

    async forgetCommands(before, limit) {
      const old = [...commands]
        .filter(([, { at }]) => at < before)
        .toSorted(([, a], [, b]) => a.at - b.at)
        .slice(0, limit);
      for (const [key] of old) commands.delete(key);
      return old.length;
    },

    async probe() {},
    async close() {},
  };
}

function commandKey(principal: string, id: string): string {
  return JSON.stringify([principal, id]);
}

function matchesInstance(row: InstanceRow, query: InstanceQuery): boolean {
  return (
    (query.machine === undefined || row.machine === query.machine) &&
    (query.state === undefined || row.state === query.state) &&
    (query.text === undefined || row.id.includes(query.text)) &&
    (query.tag === undefined || row.tags.includes(query.tag)) &&
    (query.label === undefined || row.labels[query.label.name] === query.label.value) &&
    (query.status === undefined || row.status === query.status) &&
    (query.endedBefore === undefined || (row.status !== "active" && row.updatedAt < query.endedBefore)) &&
    (query.notOfVersion === undefined || row.machineVersion !== query.notOfVersion)
  );
}

function matchesPending(row: PendingRow, query: PendingQuery): boolean {
  return (
    (query.instances === undefined || query.instances.includes(row.instance)) &&
    (query.kind === undefined || row.kind === query.kind) &&
    (query.key === undefined || row.key === query.key) &&
    (query.state === undefined || pendingStateOf(row, query.now) === query.state) &&
    (query.after === undefined || compareText(row.key, query.after) > 0)
  );
}

/** No more than what may be other within a state: a write that says so and is wrong shows in all that runs on this store. */
function within(known: InstanceRow, { version, snapshot, at, updatedAt }: NewInstanceRow): NewInstanceRow {
  return { ...known, version, snapshot, at, updatedAt };
}
