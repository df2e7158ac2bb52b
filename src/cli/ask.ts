import { createInterface } from "node:readline/promises";

/** Somebody at a terminal who can answer. */
export type Ask = (question: string) => Promise<boolean>;

/** Asks on the terminal, and takes only yes for a yes; undefined when nobody is there to answer. */
export function askOnTerminal(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  return async (question) => {
    const reader = createInterface({ input: process.stdin, output: process.stdout });
    try {
      return /^y(?:es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
    } finally {
      reader.close();
    }
  };
}
