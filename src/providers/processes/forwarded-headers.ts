import type { IncomingMessage } from "node:http";

/** The header lines for the backend, as they came, without those of the connection to the client. */
export function forwardedHeaders(incoming: IncomingMessage): string[] {
  const lines = endToEnd(incoming, ["expect", "x-forwarded-for"]); // we have answered 100-continue
  const via = [incoming.headers["x-forwarded-for"], incoming.socket.remoteAddress].flat().filter(Boolean);
  lines.push("x-forwarded-for", via.join(", "));
  if (incoming.headers.host === undefined) lines.push("host", `127.0.0.1:${incoming.socket.localPort}`);
  // Asked for by name: Node sends the body of a GET or DELETE without any framing otherwise.
  if (isChunked(incoming)) lines.push("transfer-encoding", "chunked");
  else if (!hasBody(incoming) && incoming.headers["content-length"] === undefined && expectsBody(incoming)) {
    lines.push("content-length", "0");
  }
  return lines;
}

/** The header lines for the client, as they came, without those of the connection to the backend. */
export function returnedHeaders(response: IncomingMessage): string[] {
  return endToEnd(response, []);
}

export function hasBody(incoming: IncomingMessage): boolean {
  return isChunked(incoming) || Number(incoming.headers["content-length"] ?? 0) > 0;
}

function isChunked({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined;
}

function expectsBody({ method = "GET" }: IncomingMessage): boolean {
  return ["POST", "PUT", "PATCH"].includes(method);
}

/** RFC 9110, section 7.6.1. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

function endToEnd({ rawHeaders, headers }: IncomingMessage, without: string[]): string[] {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named, ...without]);
  const lines: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i] ?? "", rawHeaders[i + 1] ?? ""];
    if (!dropped.has(name.toLowerCase())) lines.push(name, value);
  }
  return lines;
}
