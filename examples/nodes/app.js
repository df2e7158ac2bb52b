/** A replica: it listens where it is told to, says whether it is well, and finishes what it does before it ends. */
import { createServer } from "node:http";

const server = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end(request.url === "/health" ? "well\n" : `served by process ${process.pid}\n`);
});
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
