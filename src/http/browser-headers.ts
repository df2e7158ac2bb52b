import type { IncomingMessage, ServerResponse } from "node:http";
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
export const browserHeaders: Readonly<Record<string, string>> = headersSetBy(protect);

function headersSetBy(handler: typeof protect): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader(name: string, value: string) {
      headers[name] = value;
    },
    removeHeader: () => undefined,
  };
  handler({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error as Error;
  });
  return headers;
}
