import { createServer } from "node:net";

const triesMax = 100; // the kernel seldom offers an excluded one

/** A port on 127.0.0.1 that nothing listens on at this moment. Another may take it before it is used. */
export async function freePort(excluded: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = await offeredPort();
    if (!excluded.has(port)) return port;
  }
  throw new Error("There is no free port on 127.0.0.1");
}

function offeredPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
