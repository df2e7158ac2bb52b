import type { RequestHandler, Response } from "express";
import helmet from "helmet";

/**
 * What an answer lets a browser do: nothing, and no other site may read it. Pages say more for themselves. Speaking TLS, and
 * promising it, is the business of what stands before the server.
 */
const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
  },
  strictTransportSecurity: false,
  xFrameOptions: { action: "deny" },
});

/** They are the same for every answer, so they are asked for once. */
export function setBrowserHeaders(): RequestHandler {
  const headers = headersOf(protect);
  return (_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}

function headersOf(handler: typeof protect): [name: string, value: string][] {
  const headers: [string, string][] = [];
  const response = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => undefined,
  };
  handler({} as never, response as unknown as Response, (error) => {
    if (error !== undefined) throw error as Error;
  });
  return headers;
}
