import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** A WebSocket server (RFC 6455) that writes down what it is told, and is as unpleasant as a test wants it. */
export interface Receiver<Message> {
  readonly url: string;
  /** Of all connections, in order of arrival. */
  readonly received: Message[];
  /** Handshakes that were answered. */
  connections(): number;
  /** Handshakes that were asked for. */
  asked(): number;
  /** How handshakes are met from now on. */
  meet(handshakes: "well" | "with a refusal" | "with silence"): void;
  /** Stops reading what comes in, until `read`. */
  pause(): void;
  read(): void;
  /** Writes bytes as they are to every open connection. */
  write(bytes: Uint8Array): void;
  /** Ends every connection without a word. */
  cut(): void;
  /** No longer answers when a client says goodbye. */
  holdOn(): void;
  stop(): Promise<void>;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export async function startReceiver<Message>(): Promise<Receiver<Message>> {
  const received: Message[] = [];
  const open = new Set<Duplex>();
  let manner: Parameters<Receiver<Message>["meet"]>[0] = "well";
  let connections = 0;
  let asked = 0;
  let isPaused = false;
  let isHolding = false;

  const server = createServer();
  server.on("upgrade", ({ headers }, socket: Duplex) => {
    asked += 1;
    open.add(socket);
    socket.on("error", () => undefined); // whoever cuts it has seen it
    socket.on("close", () => open.delete(socket));
    if (manner === "with silence") return;
    if (manner === "with a refusal") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
      return;
    }
    connections += 1;
    const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${keySuffix}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let next = frameIn(rest); next !== undefined; next = frameIn(rest)) {
        rest = rest.subarray(next.length);
        if (next.opcode === opcodes.text) received.push(JSON.parse(next.payload.toString("utf8")) as Message);
        if (next.opcode === opcodes.ping) socket.write(frame(opcodes.pong, next.payload));
        if (next.opcode === opcodes.close && !isHolding) socket.end(frame(opcodes.close, next.payload));
      }
    });
    if (isPaused) socket.pause();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `ws://127.0.0.1:${port}/inspect`,
    received,
    connections: () => connections,
    asked: () => asked,
    meet(handshakes) {
      manner = handshakes;
    },
    pause() {
      isPaused = true;
      for (const socket of open) socket.pause();
    },
    read() {
      isPaused = false;
      for (const socket of open) socket.resume();
    },
    write(bytes) {
      for (const socket of open) socket.write(bytes);
    },
    cut() {
      for (const socket of open) socket.destroy();
    },
    holdOn() {
      isHolding = true;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3

/** A whole frame as a server sends it: not masked. */
export function frame(opcode: number, payload: Uint8Array | string = ""): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = head.length === 2 ? body.length : head.length === 4 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

/** The first frame of a client in these bytes, when it is all there. A client masks, and ours does not fragment. */
function frameIn(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const begin = 2 + extended + 4;
  if (bytes.length < begin) return undefined;
  const size = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < begin + size) return undefined;
  const mask = bytes.subarray(begin - 4, begin);
  const payload = Buffer.from(bytes.subarray(begin, begin + size));
  for (let at = 0; at < size; at += 1) payload[at] = (payload[at] as number) ^ (mask[at % 4] as number);
  return { opcode: (bytes[0] as number) & 0x0f, payload, length: begin + size };
}
