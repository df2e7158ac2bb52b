import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A way to a server that may be lost at any moment: in a request, in an answer, within an event. */
export interface CuttingProxy {
  url: string;
  /** Where it leads from now on; what leads elsewhere is cut. */
  leadTo(url: string | undefined): void;
  /** Cuts the connection that was used the longest ago, after a few more bytes of the answer. */
  cutOne(): void;
  /** Cuts nothing any more. */
  leaveAlone(): void;
  cuts(): number;
  /** Requests that went through it, as far as their first bytes tell. */
  requests(): number;
}

const bytesBeforeCut = 40; // within the next event or answer

export async function createCuttingProxy(): Promise<CuttingProxy> {
  const open = new Set<{ socket: Socket; cutAfter?: number }>();
  let target: URL | undefined;
  let cuts = 0;
  let requests = 0;
  let mayCut = true;

  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (target === undefined) {
      socket.destroy();
      return;
    }
    const way: { socket: Socket; cutAfter?: number } = { socket };
    open.add(way);
    const upstream = connect(Number(target.port), target.hostname).on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      if (/^(?:GET|POST) /.test(chunk.toString("latin1", 0, 5))) requests += 1;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      const { cutAfter } = way;
      if (cutAfter !== undefined) cuts += 1;
      socket.write(chunk.subarray(0, cutAfter), () => {
        if (cutAfter !== undefined) socket.destroy();
      });
    });
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => {
      open.delete(way);
      upstream.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const { socket } of open) socket.destroy();
    server.close();
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(url) {
      target = url === undefined ? undefined : new URL(url);
      for (const { socket } of open) socket.destroy();
    },
    cutOne() {
      const way = [...open].find(({ cutAfter }) => cutAfter === undefined);
      if (mayCut && way !== undefined) way.cutAfter = bytesBeforeCut;
    },
    leaveAlone() {
      mayCut = false;
    },
    cuts: () => cuts,
    requests: () => requests,
  };
}
