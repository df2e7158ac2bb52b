import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

const bodyBytesMax = 1_048_576; // a page that tells how something fares has no reason to be larger

/**
 * Asks a page by GET, on a connection of its own, and follows no redirect. The body ends at 1 MiB. Rejects when there is no
 * answer, or not all of it before the signal is aborted.
 */
export function httpAnswer({
  url,
  signal,
}: {
  url: string;
  signal: AbortSignal;
}): Promise<{ status: number; body: string }> {
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, signal, headers: { Connection: "close" } }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = () => {
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
        answer.destroy();
      };
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (bytes >= bodyBytesMax) end();
      });
      answer.once("error", reject);
      answer.once("end", end);
    });
    asked.once("error", reject);
    asked.end();
  });
}
