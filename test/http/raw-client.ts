import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What came back, as it was on the wire. */
export interface RawAnswer {
  status: number;
  headers: ReadonlyMap<string, string>;
  text: string;
}

/** Bytes in, an answer out; no client library between the test and the wire. */
export interface RawClient {
  /**
   * `closed` when the server ended the connection without a word. After bytes that are `cut` nothing more is sent on it, and
   * a server that waits for the rest of them is told so: it answers nobody who has hung up, so that after a whole request
   * the connection stays open until it is answered.
   */
  ask(bytes: Buffer, options?: { isHead?: boolean; isCut?: boolean }): Promise<RawAnswer | "closed">;
  end(): void;
}

const answerWithinMs = 8_000; // nothing takes a hundredth of it, and what hangs is cut off by the server after 10 s

/** One request after the other, on one connection for as long as the server keeps it. */
export function createRawClient(url: string): RawClient {
  const { hostname, port } = new URL(url);
  let kept: Socket | undefined;

  async function connected(): Promise<Socket> {
    if (kept !== undefined && !kept.destroyed && kept.readable) return kept;
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
    kept = socket;
    return socket;
  }

  return {
    async ask(bytes, { isHead = false, isCut = false } = {}) {
      const socket = await connected();
      const answer = read(socket, isHead);
      if (isCut && !isWhole(bytes)) socket.end(bytes);
      else socket.write(bytes);
      const answered = await answer;
      const isLast =
        isCut || answered === "closed" || answered.headers.get("connection") === "close" || !isFramed(answered);
      if (isLast) socket.destroy();
      return answered;
    },
    end: () => kept?.destroy(),
  };
}

/** There is a request, or more than one, with nothing left to wait for. */
function isWhole(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const head = bytes.toString("latin1", 0, headEnd);
  const body = bytes.subarray(headEnd + 4);
  if (/^transfer-encoding:/im.test(head)) return body.toString("latin1").endsWith("0\r\n\r\n");
  return body.length >= Number(/^content-length: *(-?\d+)/im.exec(head)?.[1] ?? 0);
}

/** A stream of events is not read to its end, which it has not. */
function isFramed({ headers }: RawAnswer): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") !== true;
}

function read(socket: Socket, isHead: boolean): Promise<RawAnswer | "closed"> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const answer = parse(bytes, isHead, false);
      if (answer !== undefined) done(answer);
    };
    const onClose = () => done(parse(bytes, isHead, true) ?? "closed");
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`not answered; so far: ${bytes.toString("latin1").slice(0, 500)}`));
    }, answerWithinMs);
    const done = (answer: RawAnswer | "closed") => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose);
      resolve(answer);
    };
    socket.on("data", onData).on("close", onClose);
  });
}

/** Undefined while there is more to come. */
function parse(bytes: Buffer, isHead: boolean, isEnd: boolean): RawAnswer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  const body = bytes.subarray(headEnd + 4);
  if (status < 200) return parse(body, isHead, isEnd); // 100 Continue
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const answer = (content: Buffer) => ({ status, headers, text: content.toString("utf8") });
  if (isHead || status === 204 || status === 304 || !isFramed(answer(Buffer.alloc(0)))) return answer(Buffer.alloc(0));
  if (headers.get("transfer-encoding") === "chunked") return body.includes("0\r\n\r\n") ? answer(body) : undefined;
  const length = headers.get("content-length");
  if (length === undefined) return isEnd || headers.get("connection") === "close" ? answer(body) : undefined;
  return body.length < Number(length) ? undefined : answer(body.subarray(0, Number(length)));
}
