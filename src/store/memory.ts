import { chainBeginning, chained, contentOf, type ChainRow } from "./chain.ts";
import {
  pendingStateOf,
  type Claim,
  type CommandRow,
  type CommitResult,
  type Element,
  type InstanceQuery,
  type InstanceRow,
  type JournalQuery,
  type JournalRow,
  type PendingChange,
  type PendingQuery,
  type PendingRow,
  type Store,
} from "./store.ts";

/** A store that forgets with its process: for tests and simulations. Keeps all promises but that of surviving. */
export function memoryStore(): Store {
  const instances = new Map<string, InstanceRow>();
  const journal: JournalRow[] = [];
  const chain: ChainRow[] = [];
  const pending = new Map<string, PendingRow>(); // in order of arming
  const armed = new Map<string, Set<string>>(); // keys of calls and timers by instance
  const pairs = new Map<string, Set<string>>(); // keys of messages by sender and receiver, in order
  const commands = new Map<string, CommandRow>();

  function verdictOn(element: Element): CommitResult {
    const { command } = element;
    if (command !== undefined && commands.has(commandKey(command.principal, command.id))) return "duplicate";
    if (element.fences.some(({ key }) => !pending.has(key))) return "settled";
    const versionOf = (id: string) => instances.get(id)?.version ?? 0;
    if (element.writes.some(({ row, expected }) => versionOf(row.id) !== expected)) return "stale";
    if (element.expects.some(({ id, version }) => versionOf(id) !== version)) return "stale";
    return "committed";
  }

  function apply(element: Element): void {
    for (const { row } of element.writes) instances.set(row.id, row);
    for (const { key, settle } of element.fences) if (settle) remove(key);
    for (const change of element.changes) applyChange(change);
    if (element.cut !== undefined) cutJournal(element.cut);
    for (const row of element.journal) {
      const next = chained(chain.at(-1) ?? chainBeginning, contentOf(row));
      chain.push(next);
      journal.push({ ...row, seq: next.seq });
    }
    if (element.command !== undefined) {
      commands.set(commandKey(element.command.principal, element.command.id), element.command);
    }
  }

  function cutJournal({ instance, before }: NonNullable<Element["cut"]>): void {
    const isCut = (row: { instance: string; seq: number }) => row.instance === instance && row.seq < before;
    const kept = journal.filter((row) => !isCut(row));
    journal.splice(0, journal.length, ...kept);
    for (const row of chain) if (isCut(row)) row.content = null;
  }

  /** The checkpoint that stands for what was cut off before it. */
  function compactedBy({ instance, content, seq }: ChainRow): number | null {
    if (content !== null) return null;
    const checkpoint = journal.findLast(
      (row) => row.instance === instance && row.kind === "compacted" && row.seq > seq,
    );
    return checkpoint?.seq ?? null;
  }

  function applyChange(change: PendingChange): void {
    switch (change.kind) {
      case "arm":
        if (change.row.kind !== "message") withdraw(change.row.instance, change.row.id);
        return add(change.row);
      case "withdraw":
        return withdraw(change.instance, change.id);
      case "end":
        for (const { key } of armedOf(change.instance)) remove(key);
        return;
      case "discard":
        return remove(change.key);
      default:
        change satisfies never;
    }
  }

  function add(row: PendingRow): void {
    pending.set(row.key, row);
    const [index, group] = groupOf(row);
    const keys = index.get(group) ?? new Set();
    index.set(group, keys.add(row.key));
  }

  function remove(key: string): void {
    const row = pending.get(key);
    if (row === undefined) return;
    pending.delete(key);
    const [index, group] = groupOf(row);
    const keys = index.get(group);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(group);
  }

  function groupOf(row: PendingRow): [index: Map<string, Set<string>>, group: string] {
    return row.kind === "message" ? [pairs, JSON.stringify([row.instance, row.to])] : [armed, row.instance];
  }

  function rowsOf(keys: Iterable<string> = []): PendingRow[] {
    return [...keys].flatMap((key) => pending.get(key) ?? []);
  }

  function armedOf(instance: string): PendingRow[] {
    return rowsOf(armed.get(instance));
  }

  function withdraw(instance: string, id: string): void {
    for (const row of armedOf(instance)) if (row.id === id) remove(row.key);
  }

  function isClaimable(row: PendingRow, now: number): boolean {
    if (row.dead || row.dueAt === null || row.dueAt > now || isLeased(row, now)) return false;
    return row.kind !== "message" || !hasToWait(row, row.dueAt, now);
  }

  /** Behind an earlier message of its pair that is leased, or that is due after it. */
  function hasToWait(row: PendingRow, dueAt: number, now: number): boolean {
    const [index, group] = groupOf(row);
    for (const earlier of rowsOf(index.get(group))) {
      if (earlier.key === row.key) return false;
      if (!earlier.dead && (isLeased(earlier, now) || earlier.dueAt === null || earlier.dueAt > dueAt)) return true;
    }
    return false;
  }

  return {
    async load(id) {
      const row = instances.get(id);
      return row === undefined ? undefined : { row, pending: armedOf(id) };
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

    async claim({ now, owner, leaseUntil, calls, deliveries }: Claim) {
      const due = [...pending.values()]
        .filter((row) => isClaimable(row, now))
        .toSorted((a, b) => (a.dueAt as number) - (b.dueAt as number));
      const claimed = [
        ...due.filter(({ kind }) => kind !== "call").slice(0, deliveries),
        ...due.filter(({ kind }) => kind === "call").slice(0, calls),
      ].map((row) => ({ ...row, leaseOwner: owner, leaseUntil }));
      for (const row of claimed) pending.set(row.key, row);
      return claimed;
    },

    async renew({ keys, owner, leaseUntil }) {
      const held = keys.filter((key) => pending.get(key)?.leaseOwner === owner);
      for (const key of held) pending.set(key, { ...(pending.get(key) as PendingRow), leaseUntil });
      return held;
    },

    async putBack(rows) {
      for (const { key, owner, dueAt, attempts, error, dead } of rows) {
        const row = pending.get(key);
        if (row?.leaseOwner !== owner) continue;
        pending.set(key, { ...row, dueAt, attempts, error, dead, leaseOwner: null, leaseUntil: null });
      }
    },

    async takeBack() {
      const leased = [...pending.values()].filter(({ leaseOwner }) => leaseOwner !== null);
      for (const row of leased) pending.set(row.key, { ...row, leaseOwner: null, leaseUntil: null });
      return leased.length;
    },

    async reschedule(rows) {
      for (const { key, dueAt } of rows) {
        const row = pending.get(key);
        if (row === undefined) continue;
        pending.set(key, { ...row, dueAt, dead: false, attempts: 0, error: null, leaseOwner: null, leaseUntil: null });
      }
    },

    async nextDueAt() {
      const times = [...pending.values()]
        .filter((row) => !row.dead && row.dueAt !== null)
        .map((row) => Math.max(row.dueAt as number, row.leaseUntil ?? 0));
      return times.length === 0 ? null : times.reduce((least, each) => Math.min(least, each));
    },

    async instances(query: InstanceQuery) {
      return [...instances.values()]
        .filter((row) => matchesInstance(row, query))
        .toSorted((a, b) => compareText(a.id, b.id))
        .slice(0, query.limit);
    },

    async journal({ instance, after = 0, before = Infinity, sinceCheckpoint, stream, limit }: JournalQuery) {
      const entries = journal.filter(
        (row) =>
          row.seq > after &&
          row.seq < before &&
          (instance === undefined || row.instance === instance) &&
          (stream === undefined || (row.stream?.name === stream.name && row.stream.seq === stream.seq)),
      );
      const from = sinceCheckpoint === true ? entries.findLastIndex(({ checkpoint }) => checkpoint !== null) : 0;
      const kept = entries.slice(Math.max(0, from));
      return before === Infinity ? kept.slice(0, limit) : kept.slice(-limit);
    },

    async chain({ after = 0, limit }) {
      const rows = chain.slice(after, after + limit); // there are no gaps here
      const { seq, hash } = chain[after - 1] ?? chainBeginning;
      return { before: { seq, hash }, rows: rows.map((row) => ({ ...row, compactedBy: compactedBy(row) })) };
    },

    async pending(query: PendingQuery) {
      return [...pending.values()]
        .filter((row) => matchesPending(row, query))
        .toSorted((a, b) => compareText(a.key, b.key))
        .slice(0, query.limit);
    },

    async countPending(now) {
      const groups = Map.groupBy(pending.values(), (row) => `${row.kind} ${pendingStateOf(row, now)}`);
      return [...groups.values()].flatMap((rows) =>
        rows.slice(0, 1).map((row) => ({ kind: row.kind, state: pendingStateOf(row, now), count: rows.length })),
      );
    },

    async position() {
      return chain.length;
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

/** In the order of code points, as databases have it. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isLeased({ leaseUntil }: PendingRow, now: number): boolean {
  return leaseUntil !== null && leaseUntil > now;
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
    (query.notOfVersion === undefined || row.machineVersion !== query.notOfVersion) &&
    (query.after === undefined || compareText(row.id, query.after) > 0)
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
