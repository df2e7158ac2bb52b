import { Agent, get } from "node:http";

/** Steady requests through a router. */
export interface Traffic {
  served(): number;
  failed(): number;
  /** Resolves when the last request has been answered. */
  stop(): Promise<void>;
}

const requestEveryMs = 20;
const answerWithinMs = 10_000;

export function createTraffic(port: number): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const open = new Set<Promise<void>>();
  let served = 0;
  let failed = 0;

  function request(): Promise<void> {
    return new Promise((resolve) => {
      const asked = get({ host: "127.0.0.1", port, path: "/", agent, timeout: answerWithinMs }, (response) => {
        response.resume();
        response.on("close", () => {
          if (response.statusCode === 200 && response.complete) served += 1;
          else failed += 1;
          resolve();
        });
      });
      asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
      asked.on("error", () => {
        failed += 1;
        resolve();
      });
    });
  }

  const timer = setInterval(() => {
    const asked = request();
    open.add(asked);
    void asked.then(() => open.delete(asked));
  }, requestEveryMs);

  return {
    served: () => served,
    failed: () => failed,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
    },
  };
}
