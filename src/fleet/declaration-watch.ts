import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { parseFleetText, type FleetText } from "../planning/parse-fleet-text.ts";

/** Where a declaration comes from. */
export interface DeclarationSource {
  /** Of the path, for people. */
  readonly name: string;
  /** What is different when the content may be. */
  revision(): Promise<string>;
  read(): Promise<string>;
}

/** Why what the source says is not what holds. */
export interface DeclarationFault {
  source: string;
  /** null: the source could not say which one it is at. */
  revision: string | null;
  detail: string;
  since: number;
}

const lookEveryMs = 10_000; // a person who has pushed a commit does not wait much longer than that

/** Applies what a source says whenever that changes. A faulty declaration is told, and the one before holds. */
export function createDeclarationWatch(given: {
  source: DeclarationSource;
  apply(declared: FleetText): Promise<unknown>;
  clock: Clock;
  log: Log;
}) {
  const { source, apply, clock, log } = given;
  const stopping = new AbortController();
  let applied: string | undefined;
  let fault: DeclarationFault | null = null;
  let watching: Promise<void> | undefined;

  async function look(): Promise<void> {
    let revision: string | null = null;
    try {
      revision = await source.revision();
      if (revision === applied) fault = null; // a faulty one was taken back
      if (revision === applied || (revision === fault?.revision && !fault.detail.startsWith(notApplied))) return;
      const declared = parseFleetText(await source.read());
      await applyOrTell(declared);
      applied = revision;
      fault = null;
      log.info({ source: source.name, revision }, "the declaration was applied");
    } catch (error) {
      tell(revision, messageOf(error));
    }
  }

  async function applyOrTell(declared: FleetText): Promise<void> {
    try {
      await apply(declared);
    } catch (error) {
      throw new Error(`${notApplied}: ${messageOf(error)}`, { cause: error });
    }
  }

  function tell(revision: string | null, detail: string): void {
    if (fault?.revision === revision && fault.detail === detail) return;
    fault = { source: source.name, revision, detail, since: clock.now() };
    log.error({ source: source.name, revision, error: detail }, "the declaration is at fault and was not applied");
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.wakeAt(clock.now() + lookEveryMs, stopping.signal);
      if (!stopping.signal.aborted) await look();
    }
  }

  return {
    fault: () => fault,
    /** Resolves when the source was looked at for the first time. */
    async start(): Promise<void> {
      await look();
      watching ??= watch();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await watching;
    },
  };
}

/** Another try may succeed: it is well formed. */
const notApplied = "It could not be applied";
