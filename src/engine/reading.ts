import type { Clock } from "../core/clock.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Frozen } from "../core/freeze.ts";
import type { Instance } from "../core/outcome.ts";
import type { Refusal } from "../core/law.ts";
import {
  pendingStateOf,
  type InstanceQuery,
  type JournalRow,
  type Loaded,
  type PendingRow,
  type PendingState,
  type Store,
} from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import { headOf, isCurrent, type CommittedHead } from "./head.ts";
import type { Limits } from "./limits.ts";
import { migrated } from "./migration.ts";
import { viewOf } from "./view.ts";

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface ListQuery {
  machine?: string;
  state?: string;
  tag?: string;
  label?: { name: string; value: string };
  status?: Instance["status"];
  cursor?: string;
  limit?: number;
}

export interface JournalEntry {
  seq: number;
  kind: "created" | "event" | "migrated" | "compacted" | "forgotten";
  at: number;
  instance: string;
  machine: string;
  version: number;
  event: ({ type: string } & Record<string, unknown>) | null;
  from: string | null;
  to: string;
  via: readonly string[];
  outcome: "changed" | "unchanged" | "refused";
  reasons?: Refusal[];
  emitted?: ({ type: string } & Record<string, unknown>)[];
  principal: string;
  commandId: string | null;
  /** W3C traceparent of the request or call that it came from. */
  traceparent?: string;
}

export interface JournalQuery {
  instance?: string;
  after?: number;
  /** The last ones before this number, in order. */
  before?: number;
  limit?: number;
}

export interface JournalUnderQuery {
  after: number;
  limit: number;
  /** How many entries of the whole journal are looked at, at most. */
  lookAt: number;
}

/** One row of what is to happen. Times are epoch ms. */
export interface PendingItem {
  key: string;
  instance: string;
  kind: "call" | "timer" | "message";
  id: string;
  state: PendingState;
  activity?: string;
  input?: unknown;
  event?: unknown;
  to?: string;
  /** null: nobody here performs it, or it waits for a child instance. */
  dueAt: number | null;
  attempts: number;
  error?: string;
  createdAt: number;
}

export interface PendingListQuery {
  instance?: string;
  kind?: "call" | "timer" | "message";
  state?: PendingState;
  cursor?: string;
  limit?: number;
}

/** Sees only what is committed. */
export interface Reading {
  read(id: string): Promise<Instance>;
  head(id: string): Promise<CommittedHead>;
  list(query?: ListQuery): Promise<Page<Instance>>;
  journal(query?: JournalQuery): Promise<{ entries: JournalEntry[]; nextAfter: number }>;
  /**
   * Entries of an instance and of those whose ids go on after it with a slash, in order. They are looked for among as many
   * entries as are said, so that a page costs no more however rare they are; `isComplete`: the end was reached.
   */
  journalUnder(
    root: string,
    query: JournalUnderQuery,
  ): Promise<{ entries: JournalEntry[]; nextAfter: number; isComplete: boolean }>;
  pending(query?: PendingListQuery): Promise<Page<PendingItem>>;
}

export function createReading(given: { store: Store; catalogue: Catalogue; clock: Clock; limits: Limits }): Reading {
  const { store, catalogue, clock, limits } = given;

  function headFrom(loaded: Loaded): CommittedHead {
    const machine = catalogue.machine(loaded.row.machine);
    const head = isCurrent(machine, loaded.row) ? headOf(machine, loaded) : migrated(machine, loaded, loaded.row.at);
    const { createdSeq, transitionSeq } = loaded.row;
    return { ...head, row: { ...head.row, createdSeq, transitionSeq } };
  }

  function view(loaded: Loaded): Instance {
    try {
      return viewOf(headFrom(loaded), clock.now());
    } catch (error) {
      if (isSignalboxError(error, "needs-migration") || isSignalboxError(error, "not-found"))
        return stuckView(loaded, error);
      throw error;
    }
  }

  async function load(id: string): Promise<Loaded> {
    const loaded = await store.load(id);
    if (loaded === undefined) throw new SignalboxError("not-found", `There is no instance ${id}.`);
    return loaded;
  }

  const pageSize = (asked: number | undefined) => {
    if (asked === undefined) return 100;
    if (Number.isInteger(asked) && asked >= 1 && asked <= limits.pageMax) return asked;
    throw new SignalboxError("invalid-request", `A page has 1 to ${limits.pageMax} items, not ${asked}.`, {
      errors: [{ pointer: "/limit", detail: `expected 1 to ${limits.pageMax}` }],
    });
  };

  return {
    head: async (id) => headFrom(await load(id)),
    read: async (id) => view(await load(id)),

    async list({ cursor, limit, ...filter } = {}) {
      const size = pageSize(limit);
      const query: InstanceQuery = {
        ...filter,
        limit: size + 1,
        ...(cursor !== undefined && { after: fromCursor(cursor) }),
      };
      const rows = await store.instances(query);
      const page = rows.slice(0, size);
      const pending = await pendingOf(page.map(({ id }) => id));
      const items = page.map((row) => view({ row, pending: pending.filter(({ instance }) => instance === row.id) }));
      return { items, nextCursor: rows.length > size ? toCursor(page.at(-1)?.id ?? "") : null };
    },

    async journal({ instance, after = 0, before, limit } = {}) {
      if (instance !== undefined) await load(instance);
      const rows = await store.journal({
        ...(instance !== undefined && { instance }),
        after,
        ...(before !== undefined && { before }),
        limit: pageSize(limit),
      });
      return { entries: rows.map(entryFrom), nextAfter: rows.at(-1)?.seq ?? after };
    },

    async journalUnder(root, { after, limit, lookAt }) {
      const end = await store.position();
      const upTo = Math.min(after + lookAt, end);
      const rows = after >= upTo ? [] : await store.journal({ under: root, after, upTo, limit });
      const last = rows.length < limit ? undefined : rows.at(-1)?.seq;
      const nextAfter = last ?? Math.max(after, upTo);
      return { entries: rows.map(entryFrom), nextAfter, isComplete: nextAfter >= end };
    },

    async pending({ instance, cursor, limit, ...filter } = {}) {
      if (instance !== undefined) await load(instance);
      const size = pageSize(limit);
      const now = clock.now();
      const rows = await store.pending({
        ...filter,
        now,
        limit: size + 1,
        ...(instance !== undefined && { instances: [instance] }),
        ...(cursor !== undefined && { after: fromCursor(cursor) }),
      });
      const page = rows.slice(0, size);
      return {
        items: page.map((row) => itemFrom(row, now)),
        nextCursor: rows.length > size ? toCursor(page.at(-1)?.key ?? "") : null,
      };
    },
  };

  async function pendingOf(ids: readonly string[]): Promise<PendingRow[]> {
    if (ids.length === 0) return [];
    const armed: PendingRow[] = [];
    for (let after: string | undefined; ; ) {
      const rows = await store.pending({
        instances: ids,
        now: clock.now(),
        limit: 1_000,
        ...(after !== undefined && { after }),
      });
      armed.push(...rows.filter(({ kind }) => kind !== "message"));
      after = rows.at(-1)?.key;
      if (rows.length < 1_000) return armed;
    }
  }
}

/** An instance whose chart is gone or too new is listed with what the row says. */
function stuckView({ row }: Loaded, error: SignalboxError): Instance {
  const frozen = JSON.parse(row.snapshot) as Partial<Frozen>;
  return {
    id: row.id,
    machine: row.machine,
    machineVersion: row.machineVersion,
    version: row.version,
    state: row.state,
    value: frozen.value ?? row.state,
    status: row.status,
    tags: [...row.tags, error.code],
    context: frozen.context ?? null,
    since: row.since,
    deadline: null,
    waitingFor: [{ region: row.machine, what: error.detail, since: row.since, until: null, overdue: false }],
    hears: [],
    labels: row.labels,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

export function entryFrom(row: JournalRow): JournalEntry {
  const { seq, kind, at, instance, machine, version, from, to, via, outcome, principal, commandId } = row;
  return {
    seq,
    kind,
    at,
    instance,
    machine,
    version,
    event: row.event === null ? null : (JSON.parse(row.event) as JournalEntry["event"]),
    from,
    to,
    via,
    outcome,
    ...(row.reasons !== null && { reasons: JSON.parse(row.reasons) as Refusal[] }),
    ...(row.emitted !== null && { emitted: JSON.parse(row.emitted) as NonNullable<JournalEntry["emitted"]> }),
    principal,
    commandId,
    ...(row.trace !== null && { traceparent: row.trace }),
  };
}

export function itemFrom(row: PendingRow, now: number): PendingItem {
  const payload: unknown = JSON.parse(row.payload);
  return {
    key: row.key,
    instance: row.instance,
    kind: row.kind,
    id: row.id,
    state: pendingStateOf(row, now),
    ...(row.kind === "call" ? { activity: row.activity ?? row.id, input: payload } : { event: payload }),
    ...(row.to !== null && { to: row.to }),
    dueAt: row.dueAt,
    attempts: row.attempts,
    ...(row.error !== null && { error: row.error }),
    createdAt: row.createdAt,
  };
}

export function toCursor(last: string): string {
  return Buffer.from(last, "utf8").toString("base64url");
}

/** Throws `invalid-request` for what no list has given. */
export function fromCursor(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (toCursor(text) === cursor && text !== "") return text;
  throw new SignalboxError(
    "invalid-request",
    "The cursor is not one that a list has given. Leave it out to begin anew.",
    {
      errors: [{ pointer: "/cursor", detail: "not a cursor of ours" }],
    },
  );
}
