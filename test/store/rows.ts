import type { Element, InstanceRow, NewInstanceRow, NewJournalRow, PendingRow } from "../../src/store/store.ts";

/** Rows for the tests of stores; each test says what matters to it. */
export function instanceRow(row: Partial<NewInstanceRow> & { id: string }): NewInstanceRow {
  return {
    machine: "counter",
    machineVersion: 1,
    version: 1,
    status: "active",
    state: "Counting",
    tags: [],
    labels: {},
    snapshot: "{}",
    input: "{}",
    parent: null,
    streams: {},
    at: 1,
    since: 1,
    regionsSince: {},
    createdAt: 1,
    updatedAt: 1,
    ...row,
  };
}

/** As it is read when its creation was the first entry of the journal. */
export function storedRow(row: NewInstanceRow): InstanceRow {
  return { ...row, createdSeq: 1, transitionSeq: 1 };
}

export function journalRow(row: Partial<NewJournalRow> & { instance: string }): NewJournalRow {
  return {
    kind: "event",
    at: 1,
    machine: "counter",
    version: 1,
    event: null,
    from: null,
    to: "Counting",
    via: [],
    outcome: "changed",
    reasons: null,
    emitted: null,
    principal: "local",
    commandId: null,
    trace: null,
    stream: null,
    checkpoint: null,
    ...row,
  };
}

export function pendingRow(row: Partial<PendingRow> & { key: string }): PendingRow {
  return {
    instance: "a",
    version: 1,
    kind: "timer",
    id: row.key,
    activity: null,
    payload: "{}",
    to: null,
    settles: null,
    dueAt: 0,
    createdAt: 0,
    trace: null,
    attempts: 0,
    error: null,
    leaseOwner: null,
    leaseUntil: null,
    dead: false,
    ...row,
  };
}

export function messageRow(row: Partial<PendingRow> & { key: string }): PendingRow {
  return pendingRow({ kind: "message", to: "b", ...row });
}

export function callRow(row: Partial<PendingRow> & { key: string }): PendingRow {
  return pendingRow({ kind: "call", activity: "work", ...row });
}

export function element(given: Partial<Element>): Element {
  return { writes: [], expects: [], journal: [], fences: [], changes: [], ...given };
}

/** An element that arms rows and does nothing else. */
export function arming(...rows: PendingRow[]): Element {
  return element({ changes: rows.map((row) => ({ kind: "arm", row })) });
}

/** An element that creates an instance, or moves it on to its version. */
export function writing(row: NewInstanceRow, more: Partial<Element> = {}): Element {
  return element({ writes: [{ row, expected: row.version - 1 }], ...more });
}
