import { request } from "node:http";

export interface Exchange {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const answerMax = 1_048_576; // a router's status is far below; a health page has no reason to be larger

/** One request to 127.0.0.1 on a connection of its own. Throws when there is no complete answer in time. */
export function exchange(options: Exchange): Promise<{ status: number; body: string }> {
  const { port, path, method = "GET", headers = {}, body, timeoutMs, signal } = options;
  const within = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false, signal: within }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > answerMax) answer.destroy(new Error("The answer is too large"));
      });
      answer.once("error", reject);
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
