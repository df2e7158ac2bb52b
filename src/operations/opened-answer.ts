import type { ErrorCode } from "../core/errors.ts";
import type { Opened } from "../fleet/control-plane.ts";

/** The answer to whatever opens a rollout. */
export function openedAnswer({ rolloutId, hosts, waves, superseded, replayed }: Opened) {
  return {
    status: 201 as const,
    body: { rolloutId, hosts, waves: [...waves], superseded },
    location: `/v1/rollouts/${encodeURIComponent(rolloutId)}`,
    ...(replayed && { replayed }),
  };
}

/** Why none may be opened. */
export const openingErrors = [
  "not-found",
  "event-refused",
  "already-exists",
  "version-mismatch",
  "needs-migration",
  "machine-fault",
] as const satisfies readonly ErrorCode[];
