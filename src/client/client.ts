import type {
  DryRunView,
  ExplanationView,
  InstanceView,
  JournalEntryView,
  PendingView,
  SentEventView,
} from "../operations/answer-schemas.ts";
import type { RolloutHostView, RolloutView } from "../operations/rollout-schemas.ts";
import { call, type CallOptions, type CallParts } from "./call.ts";
import { createConnection } from "./connection.ts";
import { defaultFollowLimits, follow, type FollowLimits, type FollowQuery } from "./follow.ts";
import { defaultRetries, type RetryLimits } from "./retry.ts";
import { routes } from "./routes.ts";
import type { AnswerTo, CallName, RequestOf } from "./types.ts";

export interface ClientOptions {
  /** Where the server is; it may be mounted under a path. */
  url: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  /** In place of the global one. */
  fetch?: typeof globalThis.fetch;
  retries?: Partial<RetryLimits>;
  /** How long one attempt may take; a check of every journal may need more. */
  answerWithinMs?: number;
  following?: Partial<Omit<FollowLimits, "answerWithinMs">>;
}

/** An event as it is sent: its type and its fields. */
export type EventToSend = { type: string } & Readonly<Record<string, unknown>>;

/** Only for reading: what changes carries a key, and perhaps a version. */
export type ReadOptions = Omit<CallOptions, "expectedVersion" | "idempotencyKey">;

/**
 * Asks a Signalbox server. What it refuses is thrown as a `SignalboxError` with its code, its reasons and the request's id; a
 * server that is not there is `server-unreachable`. What fails on the way, 429 and 502 to 504 are tried again by themselves, a change under the
 * key that it had: it is done once.
 */
export interface Client {
  /** Any operation by its name, with the types of its schemas. */
  call<Name extends CallName>(
    name: Name,
    ...request: Partial<RequestOf<Name>> extends RequestOf<Name>
      ? [request?: RequestOf<Name> & CallOptions]
      : [request: RequestOf<Name> & CallOptions]
  ): Promise<AnswerTo<Name>>;

  create(instance: RequestOf<"create-instance">["body"], options?: CallOptions): Promise<InstanceView>;
  /** Throws `event-refused` with the reasons. */
  send(id: string, event: EventToSend, options?: CallOptions): Promise<SentEventView>;
  /** What the event would do; nothing happens. */
  dryRun(id: string, event: EventToSend, options?: CallOptions): Promise<DryRunView>;
  /** What the instance waits for, and whether it would take the event. */
  explain(id: string, event?: EventToSend, options?: ReadOptions): Promise<ExplanationView>;
  read(id: string, options?: ReadOptions): Promise<InstanceView>;

  /** All instances that fit, page after page as they are asked for. */
  list(filter?: Filter<"list-instances">, options?: ReadOptions): AsyncGenerator<InstanceView, void, undefined>;
  nodes(filter?: Filter<"list-nodes">, options?: ReadOptions): AsyncGenerator<InstanceView, void, undefined>;
  pending(filter?: Filter<"list-pending">, options?: ReadOptions): AsyncGenerator<PendingView, void, undefined>;
  /** The newest first. */
  rollouts(filter?: Filter<"list-rollouts">, options?: ReadOptions): AsyncGenerator<RolloutView, void, undefined>;
  /** The hosts of a rollout, by wave and name. */
  rolloutHosts(
    rollout: string,
    filter?: Filter<"list-rollout-hosts">,
    options?: ReadOptions,
  ): AsyncGenerator<RolloutHostView, void, undefined>;
  /** What has happened to a rollout and its hosts. */
  rolloutEvents(
    rollout: string,
    query?: { after?: number },
    options?: ReadOptions,
  ): AsyncGenerator<JournalEntryView, void, undefined>;
  /** What has happened, to one instance or to all. */
  journal(
    query?: { instance?: string; after?: number },
    options?: ReadOptions,
  ): AsyncGenerator<JournalEntryView, void, undefined>;
  /**
   * What happens, each entry once and in order, over as many connections as it takes. Ends with the signal. Throws what the
   * server refuses, and `server-unreachable` when it is away for too long.
   */
  follow(query?: FollowQuery): AsyncGenerator<JournalEntryView, void, undefined>;
}

type Listing = "list-instances" | "list-nodes" | "list-pending" | "list-rollouts" | "list-rollout-hosts";
type Filter<Name extends Listing> = Omit<NonNullable<RequestOf<Name>["query"]>, "cursor">;

const answerWithinMs = 60_000; // a server that hangs does not answer in a minute either
const journalPage = 500; // the largest that there is

/** Throws `invalid-request` for what is no URL of a server. */
export function createClient(options: ClientOptions): Client {
  const connection = createConnection({
    url: options.url,
    token: options.token,
    fetch: options.fetch ?? ((...asked) => fetch(...asked)),
  });
  const limits = {
    retries: { ...defaultRetries, ...options.retries },
    answerWithinMs: options.answerWithinMs ?? answerWithinMs,
  };
  const following = { ...defaultFollowLimits, ...options.following, answerWithinMs: limits.answerWithinMs };

  const client: Client = {
    call: async (name, ...[request]) =>
      (await call(connection, routes[name], (request ?? {}) as CallOptions & CallParts, limits)) as AnswerTo<
        typeof name
      >, // both are typed by the schemas of the server

    create: (body, asked) => client.call("create-instance", { body, ...asked }),
    send: async (id, body, asked) =>
      (await client.call("send-event", { params: { id }, body, ...asked })) as SentEventView, // not a dry run
    dryRun: async (id, body, asked) =>
      (await client.call("send-event", { params: { id }, query: { dryRun: "true" }, body, ...asked })) as DryRunView,
    explain: (id, event, asked) =>
      event === undefined
        ? client.call("explain-instance", { params: { id }, ...asked })
        : client.call("explain-event", { params: { id }, body: event, ...asked }),
    read: (id, asked) => client.call("show-instance", { params: { id }, ...asked }),

    list: (filter, asked) =>
      pages((cursor) => client.call("list-instances", { query: { ...filter, cursor }, ...asked })),
    nodes: (filter, asked) => pages((cursor) => client.call("list-nodes", { query: { ...filter, cursor }, ...asked })),
    pending: (filter, asked) =>
      pages((cursor) => client.call("list-pending", { query: { ...filter, cursor }, ...asked })),
    rollouts: (filter, asked) =>
      pages((cursor) => client.call("list-rollouts", { query: { ...filter, cursor }, ...asked })),
    rolloutHosts: (rollout, filter, asked) =>
      pages((cursor) =>
        client.call("list-rollout-hosts", { params: { rollout }, query: { ...filter, cursor }, ...asked }),
      ),

    async *rolloutEvents(rollout, { after = 0 } = {}, asked = {}) {
      for (let position = after; ; ) {
        const query = { after: position, limit: journalPage };
        const page = await client.call("list-rollout-events", { params: { rollout }, query, ...asked });
        yield* page.entries;
        if (page.isComplete) return;
        position = page.nextAfter;
      }
    },

    async *journal({ instance, after = 0 } = {}, asked = {}) {
      for (let position = after; ; ) {
        const query = { after: position, limit: journalPage };
        const { entries, nextAfter } = await (instance === undefined
          ? client.call("list-journal", { query, ...asked })
          : client.call("show-journal", { params: { id: instance }, query, ...asked }));
        yield* entries;
        if (entries.length < journalPage) return;
        position = nextAfter;
      }
    },
    follow: (query = {}) => follow(connection, query, following),
  };
  return client;
}

async function* pages<Item>(
  page: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor: string | null }>,
): AsyncGenerator<Item, void, undefined> {
  for (let cursor: string | undefined; ; ) {
    const { items, nextCursor } = await page(cursor);
    yield* items;
    if (nextCursor === null) return;
    cursor = nextCursor;
  }
}
