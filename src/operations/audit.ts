import { z } from "zod";
import { chainReport, chainRows } from "./answer-schemas.ts";
import { given } from "./given.ts";
import { operation } from "./operation.ts";
import { limitQuery, sequenceQuery } from "./schemas.ts";

const rowsAtOnceMax = 20_000; // about 0.3 s of one request, in slices that let others in

const head = z.strictObject({
  seq: z.int().meta({ description: "The number of a journal row." }),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .meta({ description: "The hash that it has." }),
});

const headExample = { seq: 7, hash: "c0ffee".padEnd(64, "0") };

export const listAuditRows = operation({
  name: "list-audit-rows",
  summary: "The journal as evidence: its rows with what their hashes are made of.",
  method: "GET",
  path: "/v1/audit",
  query: z.strictObject({ after: sequenceQuery, limit: limitQuery }),
  permission: "read",
  answers: { 200: { description: "A page of rows, in order of their numbers.", schema: chainRows } },
  example: { query: { after: 0, limit: 500 } },
  isChange: false,
  run: async ({ query }, _caller, { engine }) => ({ status: 200, body: await engine.audit.rows(given(query)) }),
});

export const verifyAudit = operation({
  name: "verify-audit",
  summary: "Computes the hash chain of the journal again, a part of it at a time.",
  method: "POST",
  path: "/v1/audit/verify",
  body: z
    .strictObject({
      from: head.optional().meta({ description: "Goes on behind this row: the `head` of the part before." }),
      expect: head
        .extend({ seq: z.int().positive() })
        .optional()
        .meta({ description: "A head that was noted earlier and must be there." }),
    })
    .optional(),
  permission: "read",
  answers: { 200: { description: "What was checked, and what does not fit.", schema: chainReport } },
  example: { body: { expect: headExample } },
  isChange: false,
  async run({ body }, _caller, { engine }) {
    const report = await engine.audit.verify({ ...given(body ?? {}), limit: rowsAtOnceMax });
    const { checked, head: last, faults, isComplete } = report;
    return { status: 200, body: { checked, head: last, faults, complete: isComplete } };
  },
});
