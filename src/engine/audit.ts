import { SignalboxError } from "../core/errors.ts";
import type { ChainHead } from "../store/chain.ts";
import { checkChain, type ChainQuery, type ChainReport } from "../store/check-chain.ts";
import type { ChainExportRow } from "../store/check-export.ts";
import type { Store } from "../store/store.ts";
import type { Limits } from "./limits.ts";

/** The journal as evidence: every row is chained to the one before it by its hash. */
export interface Audit {
  /** Recomputes the chain, all of it when nothing is asked. Lets others work in between. */
  verify(query?: ChainQuery): Promise<ChainReport>;
  /** Rows after a number, each with what is needed to compute its hashes again. */
  rows(query?: { after?: number; limit?: number }): Promise<{ rows: ChainExportRow[]; nextAfter: number }>;
}

export function createAudit({ store, limits }: { store: Store; limits: Limits }): Audit {
  return {
    async verify(query = {}) {
      checkHead(query.from, "from", Number.MIN_SAFE_INTEGER);
      checkHead(query.expect, "expect", 1);
      if (query.limit !== undefined && !(query.limit >= 1))
        throw new SignalboxError("invalid-request", `At least one row is verified at a time, not ${query.limit}.`);
      return checkChain(store, query);
    },

    async rows({ after = 0, limit = 100 } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageMax) {
        throw new SignalboxError("invalid-request", `A page has 1 to ${limits.pageMax} rows, not ${limit}.`, {
          errors: [{ pointer: "/limit", detail: `expected 1 to ${limits.pageMax}` }],
        });
      }
      const page = await store.chain({ after, limit });
      let { hash: previous } = page.before;
      const rows = page.rows.map(({ seq, instance, contentHash, hash, content }) => {
        const row = { seq, instance, previous, contentHash, hash, content };
        previous = hash;
        return row;
      });
      return { rows, nextAfter: rows.at(-1)?.seq ?? after };
    },
  };
}

function checkHead(head: ChainHead | undefined, name: string, leastSeq: number): void {
  if (head === undefined) return;
  if (Number.isSafeInteger(head.seq) && head.seq >= leastSeq && /^[0-9a-f]{64}$/.test(head.hash)) return;
  const detail = `\`${name}\` is a row's number and its hash, 64 hexadecimal digits in lower case, not ${head.seq}:${head.hash}.`;
  throw new SignalboxError("invalid-request", detail, { errors: [{ pointer: `/${name}`, detail: "expected a head" }] });
}
