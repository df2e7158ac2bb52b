import { SignalboxError } from "../core/errors.ts";

const idLengthMax = 500; // a key of the database's indexes

/** A character that leaves something to see: nobody can tell ids without one apart. */
const visible = /[^\p{White_Space}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Checks an id that somebody chose: of an instance, a command, a principal or a stream. Throws `invalid-request`. */
export function checkId(id: unknown, field = "id"): void {
  const isText = typeof id === "string" && id.length > 0 && id.length <= idLengthMax;
  // oxlint-disable-next-line no-control-regex -- exactly these are refused
  if (isText && !/[\u0000-\u001f\u007f]/.test(id) && id.isWellFormed() && visible.test(id)) return;
  const detail = `An id is text of 1 to ${idLengthMax} characters, one of them visible, without control characters.`;
  throw new SignalboxError("invalid-request", detail, { errors: [{ pointer: `/${field}`, detail }] });
}
