import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { messageOf, SignalboxError } from "../core/errors.ts";
import { isLoopback, networkOf } from "./address.ts";

/** A listening server. */
export interface Listening {
  url: string;
  /** Takes no new request, lets those that are open finish for a while, then cuts them. May be called twice. */
  close(): Promise<void>;
}

/** What clients may cost, by name. Over a limit a connection is closed. */
export interface ServerLimits {
  /** All together: each costs a file descriptor and some 20 kB. */
  connectionsMax: number;
  /** From one address, so that nobody uses up the others': an office behind one address needs less. */
  connectionsPerAddressMax: number;
  /** From one loopback address: a proxy or tests, with the connections of many. */
  connectionsPerLoopbackAddressMax: number;
  /** To send all headers, from the connection or the request before on: who takes longer is slow on purpose. */
  headersWithinMs: number;
  /** To send a whole request. */
  requestWithinMs: number;
  /** How often those are looked at: Node's default of 30 s would let slow ones stay. */
  connectionsCheckMs: number;
  /** Without a byte in either direction while a request is open: who does not read his answer. A minute more than a command waits. */
  stalledMs: number;
  /** Between two requests; longer than the usual 60 s of proxies, so that it is the proxy who closes. */
  keepAliveMs: number;
  /** Requests on one connection; then it is made anew, and a balancer can choose again. */
  requestsPerConnectionMax: number;
  /** Of all headers and the request line together. */
  headersBytesMax: number;
}

const defaultLimits: ServerLimits = {
  connectionsMax: 8_192,
  connectionsPerAddressMax: 128,
  connectionsPerLoopbackAddressMax: 4_096,
  headersWithinMs: 10_000,
  requestWithinMs: 30_000,
  connectionsCheckMs: 1_000,
  stalledMs: 120_000,
  keepAliveMs: 65_000,
  requestsPerConnectionMax: 10_000,
  headersBytesMax: 16_384,
};

const openRequestsGraceMs = 5_000;

export interface ListenOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  limits?: Partial<ServerLimits>;
}

/** Listens on host and port. Throws when the address cannot be had. */
export async function listen(app: RequestListener, { host, port, limits }: ListenOptions): Promise<Listening> {
  const server = createHttpServer(app, limits);
  let isClosing = false;
  server.on("request", (_request, response) => {
    response.once("close", () => {
      if (isClosing) setImmediate(() => server.closeIdleConnections()); // else it would idle until its timeout
    });
  });
  await listening(server, host, port);
  const { address, port: actualPort, family } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${actualPort}`,
    close() {
      isClosing = true;
      closed ??= close(server);
      return closed;
    },
  };
}

/** A server that cuts off whoever keeps a connection busy with nothing. */
export function createHttpServer(app: RequestListener, changes: Partial<ServerLimits> = {}): Server {
  const limits = { ...defaultLimits, ...changes };
  const options = {
    headersTimeout: limits.headersWithinMs,
    requestTimeout: limits.requestWithinMs,
    connectionsCheckingInterval: limits.connectionsCheckMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headersBytesMax,
  };
  const server = createServer(options, app);
  server.maxHeadersCount = 0; // it would drop those beyond it without a word: the app counts, and refuses
  server.maxRequestsPerSocket = limits.requestsPerConnectionMax;
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.stalledMs;
  limitPerAddress(server, limits);
  server.on("checkContinue", (request, response) => {
    // Who reads the body asks for it. Refused without, nobody knows whether what comes next is the body: the connection ends.
    const shouldKeepAlive = response.shouldKeepAlive && request.headers.upgrade === undefined;
    response.shouldKeepAlive = false;
    request.once("resume", () => {
      if (response.headersSent) return;
      response.shouldKeepAlive = shouldKeepAlive;
      response.writeContinue();
    });
    server.emit("request", request, response);
  });
  server.prependListener("request", ({ headers }, response) => {
    // We upgrade to nothing, which is no fault; but Node 24 no longer notices a broken request that follows on the connection.
    if (headers.upgrade !== undefined) response.shouldKeepAlive = false;
  });
  return server;
}

function limitPerAddress(server: Server, limits: ServerLimits): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const { remoteAddress } = socket;
    const network = networkOf(remoteAddress);
    const isLocal = remoteAddress === undefined || isLoopback(remoteAddress);
    const max = isLocal ? limits.connectionsPerLoopbackAddressMax : limits.connectionsPerAddressMax;
    const count = (open.get(network) ?? 0) + 1;
    if (count > max) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once("close", () => {
      const left = (open.get(network) ?? 0) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new SignalboxError(
          "invalid-request",
          `Cannot listen on ${host}:${port}: ${messageOf(error)}. Choose another --port or --host.`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), openRequestsGraceMs);
  await closed;
  clearTimeout(cut);
}
