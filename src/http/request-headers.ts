import type { Request } from "express";
import { SignalboxError } from "../core/errors.ts";

const headersMax = 100; // what proxies add stays below 40

/** Of these a second one would leave open which counts. */
const singletons = ["authorization", "content-type", "host", "idempotency-key", "if-match", "origin", "traceparent"];

/** Refuses what can be read in two ways, and what a page of another site had a browser send. */
export function checkHeaders(request: Request): void {
  if (request.rawHeaders.length > headersMax * 2) {
    throw new SignalboxError("invalid-request", `A request has at most ${headersMax} header fields.`);
  }
  const doubled = hasDoubles(request) ? singletons.find((name) => isDouble(request, name)) : undefined;
  if (doubled !== undefined) throw new SignalboxError("invalid-request", `Send ${doubled} once.`);
  if (!isSafe(request) && isOfAnotherSite(request)) {
    throw new SignalboxError("forbidden", "A page of another site may not change anything here.");
  }
}

/** Node keeps one value of most names: when all are there, nothing came twice. */
function hasDoubles({ rawHeaders, headers }: Request): boolean {
  return rawHeaders.length !== Object.keys(headers).length * 2;
}

function isDouble({ headersDistinct }: Request, name: string): boolean {
  return (headersDistinct[name]?.length ?? 0) > 1;
}

function isSafe({ method }: Request): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** Browsers say so: by `Sec-Fetch-Site`, older ones by `Origin`. Everything else is no browser. */
function isOfAnotherSite(request: Request): boolean {
  const site = request.get("Sec-Fetch-Site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = request.get("Origin");
  return origin !== undefined && URL.parse(origin)?.host !== request.get("Host");
}
