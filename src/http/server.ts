import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, SignalboxError } from "../core/errors.ts";

/** A listening server. */
export interface Listening {
  url: string;
  /** Takes no new request, lets those that are open finish for a while, then cuts them. May be called twice. */
  close(): Promise<void>;
}

const headersTimeoutMs = 10_000; // a client that takes longer for its headers is slow on purpose
const requestTimeoutMs = 30_000;
const connectionsCheckMs = 1_000; // Node's default of 30 s would let slow ones stay
const openRequestsGraceMs = 5_000;

/** Listens on host and port; port 0 picks a free one. Throws when the address cannot be had. */
export async function listen(app: RequestListener, { host, port }: { host: string; port: number }): Promise<Listening> {
  const server = createHttpServer(app);
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
export function createHttpServer(app: RequestListener): Server {
  const options = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: connectionsCheckMs,
  };
  return createServer(options, app);
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
