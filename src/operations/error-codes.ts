import type { ErrorCode } from "../core/errors.ts";
import type { Operation } from "./operation.ts";

/** The errors that an operation may answer with: those that it names, and those that follow from what it is. */
export function errorCodesOf({ permission, params, body, isChange, isOfVersion, errors = [] }: Operation): ErrorCode[] {
  const codes: readonly (readonly [applies: boolean, ...ErrorCode[]])[] = [
    [true, "invalid-request", "internal-fault", "shutting-down"],
    [permission !== "open", "unauthenticated", "forbidden", "too-many-requests", "store-unavailable"],
    [params !== undefined, "not-found"],
    [body !== undefined || isChange, "payload-too-large", "unsupported-media-type"],
    [isChange, "idempotency-key-reused", "insufficient-storage"],
    [isOfVersion === true, "version-mismatch"],
    [true, ...errors],
  ];
  return [...new Set(codes.flatMap(([applies, ...each]) => (applies ? each : [])))];
}
