import { Agent, request } from "node:http";

export interface Answer {
  status: number;
  body: string;
}

/** One request to 127.0.0.1. Rejects when the answer is not complete. */
export function get(port: number, path: string, options: { agent?: Agent; method?: string; body?: string } = {}) {
  const { agent, method = "GET", body } = options;
  return new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, ...(agent && { agent }) }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const clients = 4;

/** Steady traffic: some clients, each with its next request as soon as the last one is answered; POST and GET in turn. */
export function createTraffic(port: number): { answered(): number; stop(): Promise<{ failures: string[] }> } {
  const agent = new Agent({ keepAlive: true });
  const failures: string[] = [];
  let isOver = false;
  let answered = 0;

  async function client() {
    while (!isOver) {
      try {
        const post = answered % 2 === 0 ? { method: "POST", body: "hello" } : {};
        const { status } = await get(port, answered % 2 === 0 ? "/echo" : "/", { agent, ...post });
        if (status !== 200) failures.push(`answered ${status}`);
      } catch (error) {
        failures.push(String(error));
      }
      answered += 1;
    }
  }

  const working = Promise.all(Array.from({ length: clients }, client));
  return {
    answered: () => answered,
    async stop() {
      isOver = true;
      await working;
      agent.destroy();
      return { failures };
    },
  };
}
