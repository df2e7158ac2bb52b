import { z } from "zod";
import type { Move, Sent } from "../core/outcome.ts";
import { afterEarlierMoves } from "../engine/plan.ts";
import { sentEvents } from "./answer-schemas.ts";
import { asked } from "./asked.ts";
import { operation } from "./operation.ts";
import { checkMoves } from "./outside-event.ts";
import { creationBody, eventBody, idParams } from "./schemas.ts";
import { isAccepted, refusedAnswer, sentBody } from "./wire.ts";

const move = z.strictObject({
  id: idParams.shape.id,
  event: eventBody,
  expectedVersion: z
    .number()
    .int()
    .positive()
    .optional()
    .meta({ description: "The version that the instance has to be at." }),
});
const creation = z.strictObject({ create: creationBody });

export const transact = operation({
  name: "transact",
  summary: "Several events and creations, all or none.",
  method: "POST",
  path: "/v1/transactions",
  body: z.strictObject({
    moves: z
      .array(z.union([move, creation]))
      .min(1)
      .max(1_000),
  }),
  permission: "operate",
  answers: { 200: { description: "All of it has happened; one item for each move.", schema: sentEvents } },
  errors: [
    "not-found",
    "internal-event",
    "already-exists",
    "event-refused",
    "needs-migration",
    "version-mismatch",
    "machine-fault",
  ],
  example: { body: { moves: [{ id: "node/alpha", event: { type: "node.cordon", reason: "a fan is failing" } }] } },
  isChange: true,
  async run({ body: { moves } }, caller, { engine }) {
    const known = moves as Move[]; // zod's optional fields may be undefined, ours are absent
    await checkMoves(engine, caller, known);
    const sents = await engine.transact(known, asked(caller));
    const [first] = sents;
    if (first !== undefined && !isAccepted(first)) {
      const { index, type } = refusedMove(known, first);
      const answer = refusedAnswer(first, type);
      return { ...answer, body: { ...answer.body, move: index } };
    }
    const items = sents.filter(isAccepted).map(sentBody);
    return { status: 200, body: { items }, ...(first?.replayed && { replayed: true }) };
  },
});

/** Which move a refusal is about: of several on one instance, the one that its reasons point to. */
function refusedMove(moves: readonly Move[], { instance, reasons = [] }: Sent): { index: number; type: string } {
  const onIt = moves.flatMap((each, index) =>
    "event" in each && each.id === instance.id ? [{ index, type: each.event.type }] : [],
  );
  const isLater = reasons.some(({ code }) => code === afterEarlierMoves.code);
  const candidates = isLater && onIt.length > 1 ? onIt.slice(1) : onIt;
  const { event } = (reasons[0]?.data ?? {}) as { event?: unknown };
  return candidates.find(({ type }) => type === event) ?? candidates[0] ?? { index: 0, type: "" };
}
