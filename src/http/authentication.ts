import type { IncomingMessage } from "node:http";
import type { Request, Response } from "express";
import type { Clock } from "../core/clock.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { checkId } from "../engine/check-id.ts";
import type { Caller, Operation } from "../operations/operation.ts";
import { checkPermission, isReservedPrincipal, isTokenRole } from "../operations/permission.ts";
import { isLoopback, networkOf } from "./address.ts";
import { createFailureRate, type FailureRate } from "./failure-rate.ts";
import { requestIdOf } from "./request-id.ts";

/** Who asks, as far as a request's credentials tell. */
export type Identity = Pick<Caller, "principal" | "role" | "isStillValid">;

/**
 * Finds out who asks; undefined when the request does not say. May throw `unauthenticated` with what is wrong. The principal
 * is written into the journal and tells commands apart, so it has to be a name that nobody else can have.
 */
export type Authenticate = (request: IncomingMessage) => Identity | undefined | Promise<Identity | undefined>;

/** Lets a request through to an operation when the one who asks may ask it; before its body is read. */
export type Guard = (request: Request, response: Response, operation: Operation) => Promise<void>;

export function createGuard(given: { authenticate: Authenticate | undefined; clock: Clock; log: Log }): Guard {
  const { authenticate = asLocal, clock, log } = given;
  const failures = createFailureRate(clock);
  return async (request, response, { permission }) => {
    const identity =
      permission === "open"
        ? await known(authenticate, request)
        : await identified(authenticate, { request, response, failures, log });
    response.locals["identity"] = identity;
    checkPermission(identity, permission);
  };
}

export function identityOf(response: Response): Identity {
  return response.locals["identity"] as Identity;
}

const anonymous: Identity = { principal: "anonymous", role: "anonymous" };

/** What is open is answered whatever comes with it, and also when nobody can be asked who it is. */
async function known(authenticate: Authenticate, request: Request): Promise<Identity> {
  if (authenticate !== asLocal && request.headers.authorization === undefined) return anonymous;
  try {
    return checked(await authenticate(request)) ?? anonymous;
  } catch {
    return anonymous;
  }
}

/** Throws `unauthenticated`, and `too-many-requests` to an address that has failed too often. */
async function identified(
  authenticate: Authenticate,
  { request, response, failures, log }: { request: Request; response: Response; failures: FailureRate; log: Log },
): Promise<Identity> {
  try {
    const identity = checked(await authenticate(request));
    if (identity !== undefined) return identity;
    throw new SignalboxError("unauthenticated", "Say who you are: send a token, as `Authorization: Bearer TOKEN`.");
  } catch (error) {
    if (!isSignalboxError(error, "unauthenticated")) throw error;
    const address = networkOf(request.socket.remoteAddress);
    failures.count(address);
    log.warn({ requestId: requestIdOf(response), address, why: error.detail }, "a request was not let in");
    throw error;
  }
}

/** What an embedder's own function answered. */
function checked(identity: Identity | undefined): Identity | undefined {
  if (identity === undefined) return undefined;
  const { principal, role } = identity;
  checkId(principal, "principal");
  if (role !== "local" && !isTokenRole(role)) throw new Error(`There is no role ${role}`);
  if (isReservedPrincipal(principal) && role !== "local") throw new Error(`No token is for ${principal}`);
  return identity;
}

/**
 * Without authentication whoever can reach the server is `local`: requests from this machine only, and none that a page of
 * somewhere else had a browser send to a name that it made point here.
 */
const asLocal: Authenticate = (request) => {
  const { remoteAddress } = request.socket;
  if (remoteAddress !== undefined && !isLoopback(remoteAddress)) {
    throw new SignalboxError(
      "forbidden",
      "Without authentication only this machine is answered. Start it with --tokens.",
    );
  }
  const host = hostIn(request.headers.host);
  if (isLoopback(host)) return { principal: "local", role: "local" };
  const detail = `Without authentication the server answers to localhost and loopback addresses, not to ${JSON.stringify(host)}.`;
  throw new SignalboxError("forbidden", detail);
};

/** Of `name:port` or `[address]:port`. */
function hostIn(header = ""): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, "");
}
