import { SignalboxError } from "../core/errors.ts";
import { pathOf } from "../operations/operation.ts";
import { unreachableAt } from "./answer.ts";
import type { Failed } from "./outcome.ts";
import type { Route } from "./routes.ts";

/** Where a server is, and as whom it is asked. */
export interface Connection {
  fetch: typeof globalThis.fetch;
  /** Throws `not-found` for what no URL can name. */
  target(route: Pick<Route, "path">, asked?: { params?: object; query?: object }): URL;
  headers(more?: Readonly<Record<string, string>>): Headers;
}

/** Throws `invalid-request` for what is no URL of a server, and for what is no token. */
export function createConnection(given: {
  url: string;
  token: string | undefined;
  fetch: typeof globalThis.fetch;
}): Connection {
  const { token, fetch } = given;
  const base = baseOf(given.url);
  if (token !== undefined && !/^[\w.~+/=-]+$/.test(token)) {
    throw new SignalboxError("invalid-request", "The token has characters that no token has.");
  }
  return {
    fetch,
    target(route, { params = {}, query = {} } = {}) {
      const target = new URL(`.${pathOf(route, params as Readonly<Record<string, string>>)}`, base);
      for (const [name, value] of Object.entries(query) as [string, string | number | boolean | undefined][])
        if (value !== undefined) target.searchParams.set(name, String(value));
      return target;
    },
    headers(more = {}) {
      const headers = new Headers(more);
      if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
      return headers;
    },
  };
}

/** A server may be mounted under a path: it ends with a slash, so that what is asked for lies under it. */
function baseOf(url: string): URL {
  const base = URL.parse(url);
  if (base?.protocol !== "http:" && base?.protocol !== "https:") {
    const detail = `The URL of a server is one such as http://127.0.0.1:4100, not ${url}.`;
    throw new SignalboxError("invalid-request", detail);
  }
  const { origin, pathname } = base;
  return new URL(pathname.endsWith("/") ? pathname : `${pathname}/`, origin);
}

/** What was thrown on the way: a connection that failed may be had again, whatever else it was stays what it is. */
export function failedOnTheWay(target: URL, error: unknown): Failed {
  if (error instanceof SignalboxError) return { kind: "failed", error, isPassing: false };
  return { kind: "failed", error: unreachableAt(target, error), isPassing: true };
}
