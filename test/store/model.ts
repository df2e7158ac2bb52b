import {
  pendingStateOf,
  type Claim,
  type CommandRow,
  type CommitResult,
  type Element,
  type InstanceRow,
  type JournalRow,
  type PendingChange,
  type PendingQuery,
  type PendingRow,
  type PutBack,
} from "../../src/store/store.ts";

/** A store as one would explain it: four lists, read from the first to the last. Slow, and too simple to be wrong. */
export function createModel() {
  let instances: InstanceRow[] = [];
  let journal: JournalRow[] = [];
  let pending: PendingRow[] = []; // in order of arming
  let commands: CommandRow[] = [];
  let lastSeq = 0;

  const versionOf = (id: string) => instances.find((row) => row.id === id)?.version ?? 0;
  const has = (key: string) => pending.some((row) => row.key === key);
  const change = (key: string, to: Partial<PendingRow>) => {
    pending = pending.map((row) => (row.key === key ? { ...row, ...to } : row));
  };

  function verdictOn({ command, fences, writes, expects }: Element): CommitResult {
    if (command && commands.some(({ principal, id }) => principal === command.principal && id === command.id))
      return "duplicate";
    if (!fences.every(({ key }) => has(key))) return "settled";
    const asked = [...writes.map(({ row, expected }) => ({ id: row.id, version: expected })), ...expects];
    return asked.every(({ id, version }) => versionOf(id) === version) ? "committed" : "stale";
  }

  function apply({ command, fences, writes, changes, journal: entries, cut, forget }: Element): void {
    for (const { row } of writes) {
      const seqs = entries.flatMap(({ instance, from, to }, index) =>
        instance === row.id && from !== to ? [lastSeq + index + 1] : [],
      );
      const known = instances.find(({ id }) => id === row.id);
      const createdSeq = known?.createdSeq ?? seqs[0] ?? lastSeq;
      const written = { ...row, createdSeq, transitionSeq: seqs.at(-1) ?? known?.transitionSeq ?? createdSeq };
      instances = [...instances.filter(({ id }) => id !== row.id), written];
    }
    instances = instances.filter(({ id }) => id !== forget);
    for (const { key, settle } of fences) if (settle) pending = pending.filter((row) => row.key !== key);
    for (const each of changes) applyChange(each);
    if (cut) journal = journal.filter(({ instance, seq }) => instance !== cut.instance || seq >= cut.before);
    for (const entry of entries) journal.push({ ...entry, seq: ++lastSeq });
    if (command) commands.push(command);
  }

  function applyChange(each: PendingChange): void {
    const isArmed = (row: PendingRow, instance: string) => row.instance === instance && row.kind !== "message";
    if (each.kind === "arm") {
      const { row } = each;
      if (row.kind !== "message") applyChange({ kind: "withdraw", instance: row.instance, id: row.id });
      pending.push(row);
    }
    if (each.kind === "withdraw")
      pending = pending.filter((row) => !(isArmed(row, each.instance) && row.id === each.id));
    if (each.kind === "end") pending = pending.filter((row) => !isArmed(row, each.instance));
    if (each.kind === "discard") pending = pending.filter((row) => row.key !== each.key);
  }

  return {
    commit: (batch: readonly Element[]) =>
      batch.map((element) => {
        const verdict = verdictOn(element);
        if (verdict === "committed") apply(element);
        return verdict;
      }),

    claim({ now, owner, leaseUntil, calls, deliveries }: Claim) {
      const isLeased = (row: PendingRow) => row.leaseUntil !== null && row.leaseUntil > now;
      const isFree = (row: PendingRow, place: number) => {
        if (row.dead || row.dueAt === null || row.dueAt > now || isLeased(row)) return false;
        if (row.kind !== "message") return true;
        const pair = pending
          .slice(0, place + 1)
          .filter((other) => other.kind === "message" && other.instance === row.instance && other.to === row.to)
          .filter(({ dead }) => !dead);
        return pair.every(
          (other, index) =>
            !isLeased(other) && other.dueAt !== null && other.dueAt >= (pair[index - 1]?.dueAt ?? other.dueAt),
        );
      };
      const due = pending.filter(isFree).toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
      const taken = [
        ...due.filter(({ kind }) => kind !== "call").slice(0, deliveries),
        ...due.filter(({ kind }) => kind === "call").slice(0, calls),
      ];
      for (const { key } of taken) change(key, { leaseOwner: owner, leaseUntil });
      return taken.map((row) => ({ ...row, leaseOwner: owner, leaseUntil }));
    },

    renew({ keys, owner, leaseUntil }: { keys: readonly string[]; owner: string; leaseUntil: number }) {
      const held = keys.filter((key) => pending.some((row) => row.key === key && row.leaseOwner === owner));
      for (const key of held) change(key, { leaseUntil });
      return held;
    },

    putBack(rows: readonly PutBack[]) {
      for (const { key, owner, ...to } of rows) {
        const isHeld = pending.some((row) => row.key === key && row.leaseOwner === owner);
        if (isHeld) change(key, { ...to, leaseOwner: null, leaseUntil: null });
      }
    },

    takeBack() {
      const leased = pending.filter(({ leaseOwner }) => leaseOwner !== null);
      for (const { key } of leased) change(key, { leaseOwner: null, leaseUntil: null });
      return leased.length;
    },

    reschedule(rows: readonly { key: string; dueAt: number | null }[]) {
      const fresh = { dead: false, attempts: 0, error: null, leaseOwner: null, leaseUntil: null };
      for (const { key, dueAt } of rows) change(key, { dueAt, ...fresh });
    },

    nextDueAt() {
      const times = pending
        .filter(({ dead, dueAt }) => !dead && dueAt !== null)
        .map(({ dueAt, leaseUntil }) => Math.max(dueAt ?? 0, leaseUntil ?? 0));
      return times.length === 0 ? null : Math.min(...times);
    },

    forgetCommands(before: number, limit: number) {
      const old = commands
        .filter(({ at }) => at < before)
        .toSorted((a, b) => a.at - b.at)
        .slice(0, limit);
      commands = commands.filter((row) => !old.includes(row));
      return old.length;
    },

    load(id: string) {
      const row = instances.find((each) => each.id === id);
      return row && { row, pending: pending.filter(({ instance, kind }) => instance === id && kind !== "message") };
    },

    pending({ state, kind, now, limit }: PendingQuery) {
      return pending
        .filter((row) => (kind === undefined || row.kind === kind) && (!state || pendingStateOf(row, now) === state))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, limit);
    },

    journal({ instance, after = 0, sinceCheckpoint, limit }: Parameters<typeof journalOf>[0]) {
      return journalOf({ after, limit, ...(instance && { instance }), ...(sinceCheckpoint && { sinceCheckpoint }) });
    },

    instances: () => instances.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    command: (principal: string, id: string) => commands.find((row) => row.principal === principal && row.id === id),
    position: () => lastSeq,
  };

  function journalOf(query: { instance?: string; after?: number; sinceCheckpoint?: true; limit: number }) {
    const entries = journal.filter(
      ({ seq, instance }) => seq > (query.after ?? 0) && (query.instance === undefined || instance === query.instance),
    );
    const from = query.sinceCheckpoint ? entries.findLastIndex(({ checkpoint }) => checkpoint !== null) : 0;
    return entries.slice(Math.max(0, from), Math.max(0, from) + query.limit);
  }
}
