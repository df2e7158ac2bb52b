/** What the demo's nodes run: a small HTTP service that takes a moment to start and to answer, and ends as it should. */
import { createServer } from "node:http";

const startupMs = 700; // long enough that a move is seen
const workMs = 30;

const server = createServer((request, response) => {
  if (request.url === "/health") {
    response.writeHead(Date.now() - startedAt >= startupMs ? 200 : 503).end();
    return;
  }
  setTimeout(
    () => response.writeHead(200, { "Content-Type": "text/plain" }).end(`served by process ${process.pid}\n`),
    workMs,
  );
});
const startedAt = Date.now();
server.listen(Number(process.env["PORT"]), "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
