import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Backend, BackendPool } from "./backends.ts";

/** What a router says of itself. */
export interface RouterStatus {
  readonly backends: readonly Backend[];
  /** By backend, those out of rotation included; without those that have none. */
  readonly openRequests: Readonly<Record<string, number>>;
}

/**
 * The side of a router that its keeper talks to, for whoever knows the token. `GET /status` answers a `RouterStatus`;
 * `PUT /backends` replaces the rotation: once it has answered, no new request goes to one that is not in the list.
 */
export function createRouterControl(pool: BackendPool, token: string): Server {
  return createServer((incoming, answer) => {
    if (!isAllowed(incoming, token)) return void answer.writeHead(401).end();
    switch (`${incoming.method} ${incoming.url}`) {
      case "GET /status":
        return answerStatus(answer, pool);
      case "PUT /backends":
        return replaceBackends(incoming, answer, pool);
      default:
        return void answer.writeHead(404).end();
    }
  });
}

function answerStatus(answer: ServerResponse, pool: BackendPool): void {
  const status: RouterStatus = { backends: pool.list(), openRequests: pool.openRequests() };
  answer.end(JSON.stringify(status));
}

const bodyMax = 1_048_576; // some ten thousand backends

function replaceBackends(incoming: IncomingMessage, answer: ServerResponse, pool: BackendPool): void {
  let text = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > bodyMax) incoming.destroy();
  });
  incoming.once("end", () => {
    const backends = readBackends(text);
    if (backends === undefined) return answer.writeHead(400).end();
    pool.replace(backends);
    return answerStatus(answer, pool);
  });
}

/** Written out: a router starts within a request's patience, and a schema library costs it half of that. */
function readBackends(text: string): Backend[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isBackend) ? list : undefined;
  } catch {
    return undefined;
  }
}

function isBackend(value: unknown): value is Backend {
  if (typeof value !== "object" || value === null || !("id" in value) || !("port" in value)) return false;
  return typeof value.id === "string" && Number.isInteger(value.port);
}

function isAllowed({ headers }: IncomingMessage, token: string): boolean {
  const [given, wanted] = [Buffer.from(headers.authorization ?? ""), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
