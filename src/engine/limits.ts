/** Every limit of the engine by name. Over one of them the caller is told, nothing is dropped. */
export interface Limits {
  /** Elements in one database transaction: keeps it near 10 ms on a disk that syncs in 1 ms. */
  batchMax: number;
  /** Elements that wait for their commit; beyond it a send is answered with 429 before it is stepped. */
  commitQueueMax: number;
  /** Instances kept in memory between two events: about 2 kB each. */
  hotInstancesMax: number;
  /** An event, an input or a call's output, as JSON: what a journal row can carry without hurting its neighbours. */
  payloadBytesMax: number;
  /** Moves of one transaction. */
  movesMax: number;
  /** Times that a send is stepped again because somebody else moved its instance. */
  staleRetriesMax: number;
  /** Refusals to one principal in a minute; beyond it 429: a client in a loop must not fill the journal. */
  refusalsPerMinuteMax: number;
  /** How long a command id is remembered. */
  commandRetentionMs: number;
  /** How long an instance that ended keeps its journal. */
  journalRetentionMs: number;
  /** How long an instance that ended is kept at all; Infinity: for ever. */
  endedRetentionMs: number;
  /** How long a claimed row is nobody else's; renewed while it is performed. */
  leaseMs: number;
  /** Calls performed at the same time: each holds a promise and whatever its provider opens. */
  callsInFlightMax: number;
  /** Timers and messages claimed at once. */
  deliveriesMax: number;
  /** Attempts to deliver a timer, a message or an outcome before it becomes a dead letter. */
  deliveryAttemptsMax: number;
  /** How long `stop` waits for running calls to notice that they are withdrawn. */
  stopGraceMs: number;
  /** Rows of one page. */
  pageMax: number;
  /** Journal entries that a feed reads at once: bounds the memory of a reader that is far behind. */
  tailPageMax: number;
  /** The same in characters, for entries that are large: what a stream holds whose reader takes nothing. One entry may have more. */
  tailPageCharactersMax: number;
  /** The newest journal entries that are kept for all readers of the feed: a reader that reconnects within them costs no query. */
  tailKeptMax: number;
  /** The same in characters of their events and reasons, for entries that are large. */
  tailKeptCharactersMax: number;
  /** Entries between a checkpoint and one that is asked to be shown as it was: about two seconds, in slices. */
  replayEntriesMax: number;
  /** Replays that wait for their turn; beyond it 429: somebody pulls a slider, and only the last place counts. */
  replayQueueMax: number;
}

export const defaultLimits: Limits = {
  batchMax: 256,
  commitQueueMax: 10_000,
  hotInstancesMax: 10_000,
  payloadBytesMax: 262_144,
  movesMax: 1_000,
  staleRetriesMax: 8,
  refusalsPerMinuteMax: 600,
  commandRetentionMs: 86_400_000,
  journalRetentionMs: 7_776_000_000,
  endedRetentionMs: Infinity,
  leaseMs: 30_000,
  callsInFlightMax: 1_000,
  deliveriesMax: 200,
  deliveryAttemptsMax: 10,
  stopGraceMs: 5_000,
  pageMax: 500,
  tailPageMax: 256,
  tailPageCharactersMax: 1_048_576,
  tailKeptMax: 1_024,
  tailKeptCharactersMax: 4_194_304,
  replayEntriesMax: 100_000,
  replayQueueMax: 32,
};
