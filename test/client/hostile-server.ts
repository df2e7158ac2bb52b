import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSocketServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HostileServer {
  url: string;
  /** What was asked, in order. */
  requests: { method: string; path: string; headers: IncomingMessage["headers"]; body: string }[];
}

/** Answers each request by the next handler; the last one stays. */
export async function hostileServer(...handlers: readonly Handler[]): Promise<HostileServer> {
  const requests: HostileServer["requests"] = [];
  const server = createServer((request, response) => {
    const handler = handlers[Math.min(requests.length, handlers.length - 1)];
    const asked = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: "" };
    requests.push(asked);
    request.setEncoding("utf8").on("data", (chunk: string) => void (asked.body += chunk));
    request.on("end", () => handler?.(request, response));
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: await listening(server), requests };
}

/** Speaks no HTTP, but what it is told to. */
export async function rudeServer(speak: (socket: Socket) => void): Promise<{ url: string; connections(): number }> {
  let connections = 0;
  const open = new Set<Socket>();
  const server = createSocketServer((socket) => {
    connections += 1;
    open.add(socket.on("error", () => undefined).on("close", () => open.delete(socket)));
    socket.once("data", () => speak(socket));
  });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: await listening(server), connections: () => connections };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const json =
  (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, {
      "Content-Type": status < 400 ? "application/json" : "application/problem+json",
      ...headers,
    });
    response.end(JSON.stringify(body));
  };

export const problem = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Handler =>
  json(status, { status, code, detail: `It is ${code}.`, instance: "request-1" }, headers);

export const html =
  (status: number): Handler =>
  (_, response) => {
    response.writeHead(status, { "Content-Type": "text/html" });
    response.end("<h1>It works!</h1>");
  };

/** Ends the connection in the middle of an answer. */
export const cut: Handler = (_, response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
  response.write('{"id":"c"', () => response.destroy());
};
