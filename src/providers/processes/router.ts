import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { type Backend, type BackendPool, createBackendPool } from "./backends.ts";
import { forwardedHeaders, hasBody, returnedHeaders } from "./forwarded-headers.ts";

// Limits of headers and bodies are the backends' business; what is limited here is what a router holds.
const silenceMs = 300_000; // neither side sent a byte: longer than any long poll in use
const idleConnectionMs = 60_000; // a client's; longer than its own limit is likely to be, so that it closes first
const idleBackendConnectionMs = 4_000; // shorter than Node's 5 s, so that we close first
const connectionsMax = 10_000; // two sockets each, under the usual limit of open files
const triesMax = 4; // backends that one request may try

/** An HTTP proxy over the backends of one group. It knows nothing of health: whoever sets the backends does. */
export function createRouter(group: string): { server: Server; pool: BackendPool } {
  const agents = new Map<string, Agent>();
  const pool = createBackendPool(({ id }) => {
    agents.get(id)?.destroy();
    agents.delete(id);
  });
  const agentOf = ({ id }: Backend) => {
    const agent = agents.get(id) ?? new Agent({ keepAlive: true, timeout: idleBackendConnectionMs });
    agents.set(id, agent);
    return agent;
  };

  const server = createServer({ keepAliveTimeout: idleConnectionMs, requestTimeout: 0 }, (incoming, answer) => {
    const tried = new Set<string>();
    const forwarding: Forwarding = { group, pool, agentOf, incoming, answer, tried, endTry: () => undefined };
    answer.once("close", () => forwarding.endTry());
    forward(forwarding);
  });
  server.setTimeout(silenceMs);
  server.maxConnections = connectionsMax;
  return { server, pool };
}

interface Forwarding {
  group: string;
  pool: BackendPool;
  agentOf(backend: Backend): Agent;
  incoming: IncomingMessage;
  answer: ServerResponse;
  tried: Set<string>;
  /** Ends what is under way at the present backend. */
  endTry(): void;
}

function forward(forwarding: Forwarding): void {
  const { group, pool, agentOf, incoming, answer, tried } = forwarding;
  const backend = tried.size < triesMax ? pool.next(tried) : undefined;
  if (backend === undefined) {
    const detail = tried.size > 0 ? `No replica of ${group} answers` : `No replica of ${group} is ready`;
    return refuse(answer, 503, detail);
  }
  tried.add(backend.id);
  const close = pool.open(backend);
  const sent = request({
    host: "127.0.0.1",
    port: backend.port,
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    headers: forwardedHeaders(incoming),
    agent: agentOf(backend),
    timeout: silenceMs,
  });
  forwarding.endTry = () => {
    close();
    if (!answer.writableFinished) sent.destroy();
  };
  let isConnected = false;
  let isSilent = false;
  const onConnected = () => {
    isConnected = true;
    if (hasBody(incoming)) incoming.pipe(sent); // not before: what was not sent can go to another backend
  };
  sent.once("socket", (socket) => (socket.connecting ? socket.once("connect", onConnected) : onConnected()));
  sent.once("timeout", () => {
    isSilent = true;
    sent.destroy();
  });
  sent.once("response", (response) => {
    const { statusCode = 0, statusMessage } = response;
    if (statusCode < 200) {
      sent.destroy();
      return refuse(answer, 502, `A replica of ${group} answered with status ${statusCode}`);
    }
    answer.writeHead(statusCode, statusMessage, returnedHeaders(response));
    answer.flushHeaders();
    pipeline(response, answer, () => undefined); // a backend that breaks off breaks off the client's answer too
  });
  sent.on("error", () => {
    incoming.unpipe(sent);
    if (answer.headersSent || answer.destroyed) return void answer.destroy();
    const mayRepeat = !isConnected || (!hasBody(incoming) && isIdempotent(incoming));
    if (isSilent) return refuse(answer, 504, `A replica of ${group} did not answer within ${silenceMs} ms`);
    if (!mayRepeat) return refuse(answer, 502, `A replica of ${group} broke off; the request may have taken effect`);
    close();
    forward(forwarding);
  });
  if (!hasBody(incoming)) sent.end();
}

/** RFC 9110, section 9.2.2. */
function isIdempotent({ method = "GET" }: IncomingMessage): boolean {
  return ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].includes(method);
}

function refuse(answer: ServerResponse, status: number, detail: string): void {
  const title = { 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" }[status];
  const body = JSON.stringify({ type: "about:blank", title, status, detail });
  const again = status === 503 ? { "retry-after": "1" } : {};
  answer.writeHead(status, { "content-type": "application/problem+json", ...again });
  answer.end(body);
}
