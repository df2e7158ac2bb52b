import { statSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { messageOf, SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { idOfToken, isTokenOf, type TokenEntry } from "../operations/token.ts";
import { readTokenFile } from "../operations/token-file.ts";
import type { Authenticate } from "./authentication.ts";

const checkEveryMs = 1_000; // how long a revoked token may live on; a stat costs microseconds
const tokenLengthMax = 200; // ours have 66 characters

/**
 * Knows who asks by the bearer tokens of a file. A change of the file is seen within a second; one that cannot be read is
 * logged, and the last good one counts. Throws `invalid-request` when there is none to begin with.
 */
export function authenticateByTokens(given: { path: string; clock: Clock; log: Log }): Authenticate {
  const { clock } = given;
  const tokens = createWatchedTokens(given);

  /** Throws `unauthenticated`. */
  function find(token: string): TokenEntry {
    const id = idOfToken(token);
    const entry = id === undefined ? undefined : tokens.get(id);
    if (entry === undefined || !isTokenOf(token, entry)) throw refused("There is no such token, or it was revoked.");
    if (clock.now() < Date.parse(entry.expiresAt)) return entry;
    throw refused(`The token ${entry.id} ran out at ${entry.expiresAt}. Make a new one.`);
  }

  return (request) => {
    const credentials = request.headers.authorization;
    if (credentials === undefined) return undefined;
    const [, token = ""] = /^Bearer +([\w.~+/=-]+)$/i.exec(credentials) ?? [];
    if (token === "" || token.length > tokenLengthMax) {
      throw refused("The Authorization is not one of ours: send `Authorization: Bearer TOKEN`.");
    }
    const { id, principal, role } = find(token);
    return {
      principal,
      role,
      isStillValid: () => {
        const entry = tokens.get(id);
        return entry?.role === role && clock.now() < Date.parse(entry.expiresAt);
      },
    };
  };
}

function refused(detail: string): SignalboxError {
  return new SignalboxError("unauthenticated", detail);
}

/** The tokens of a file by id, as the file is now. */
function createWatchedTokens({ path, clock, log }: { path: string; clock: Clock; log: Log }) {
  let seen = stampOf(path); // before it is read: a change in between is seen the next time
  let known = byId(readTokenFile(path));
  let checkedAt = clock.now();

  function look(): void {
    const now = clock.now();
    if (now >= checkedAt && now - checkedAt < checkEveryMs) return; // a clock that is set back looks at once
    checkedAt = now;
    const stamp = stampOf(path);
    if (stamp === seen) return;
    seen = stamp;
    try {
      known = byId(readTokenFile(path));
      log.info({ path, tokens: known.size }, "the token file was read again");
    } catch (error) {
      log.error({ path, error: messageOf(error) }, "the token file cannot be used: the last good one counts");
    }
  }

  return {
    get(id: string): TokenEntry | undefined {
      look();
      return known.get(id);
    },
  };
}

function byId(tokens: readonly TokenEntry[]): Map<string, TokenEntry> {
  return new Map(tokens.map((entry) => [entry.id, entry]));
}

/** Another one when the file is another one, or its content or mode. */
function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return messageOf(error);
  }
}
