// A replica for tests. Says on standard output what happens to it.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const { PORT, REPLICA, SICK_IF, STUBBORN, GRANDCHILD, FAILS_FIRST } = process.env;
const held = [];

let isToldToEnd = false;

const server = createServer((request, response) => {
  if (isToldToEnd) console.log(`asked for ${request.url} after it was told to end`);
  const { pathname } = new URL(request.url, "http://replica");
  switch (pathname) {
    case "/health":
      response.writeHead(isSick() ? 503 : 200).end();
      break;
    case "/hold":
      response.writeHead(200).write("held,");
      held.push(response);
      break;
    case "/let-go":
      for (const waiting of held.splice(0)) waiting.end("let go", () => console.log("finished a held request"));
      response.end();
      break;
    case "/echo":
      response.writeHead(200, { "x-method": request.method });
      request.pipe(response);
      break;
    default:
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ replica: REPLICA, pid: process.pid }));
  }
});

/** When the file is there, unless it names this process. */
function isSick() {
  try {
    return readFileSync(SICK_IF, "utf8") !== String(process.pid);
  } catch {
    return false;
  }
}

process.on("SIGTERM", () => {
  isToldToEnd = true;
  console.log("told to end");
  if (!STUBBORN) server.close(() => process.exit(0));
});

if (FAILS_FIRST && !existsSync(FAILS_FIRST)) {
  writeFileSync(FAILS_FIRST, "");
  throw new Error(`Port ${PORT} is taken`);
}

if (GRANDCHILD) spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6)"]);

server.listen({ host: "127.0.0.1", port: Number(PORT) }, () => console.log(`listens as ${process.pid}`));
