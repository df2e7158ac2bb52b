import { isSignalboxError } from "../core/errors.ts";
import type { Workplace } from "./operation.ts";

/** One of the things that must hold for the server to get new work. */
export interface ReadinessCheck {
  name: "store" | "space" | "runner" | "host";
  isPassing: boolean;
  /** A sentence: how it stands, or what is wrong. */
  detail: string;
}

const lagMaxMs = 30_000; // a lease: by then even the rows of a runner that died have been taken up again

/** Looks at everything anew. Never rejects. */
export async function readinessChecks({ engine, notReady }: Workplace): Promise<ReadinessCheck[]> {
  const stored = checked("store", async () => {
    await engine.probe();
    return { isPassing: true, detail: "The store can be written to." };
  });
  return Promise.all([
    stored,
    checked("space", async () => {
      await stored; // it may have found space again
      if (engine.isReadOnly()) return { isPassing: false, detail: "Nothing is written until there is space again." };
      return { isPassing: true, detail: "There is space for what is written." };
    }),
    checked("runner", async () => {
      const lagMs = await engine.lagMs();
      const waits = `what is due has been waiting for ${lagMs} ms`;
      if (lagMs > lagMaxMs) return { isPassing: false, detail: `The runner is behind: ${waits}.` };
      return { isPassing: true, detail: `The runner keeps up: ${waits}, the limit is ${lagMaxMs} ms.` };
    }),
    checked("host", async () => {
      const why = await notReady();
      return { isPassing: why === undefined, detail: why ?? "The host has no objection." };
    }),
  ]);
}

async function checked(
  name: ReadinessCheck["name"],
  look: () => Promise<Omit<ReadinessCheck, "name">>,
): Promise<ReadinessCheck> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, isPassing: false, detail: isSignalboxError(error) ? error.detail : unknownFault[name] };
  }
}

/** Without what was thrown: it may name files. */
const unknownFault: Readonly<Record<ReadinessCheck["name"], string>> = {
  store: "The store cannot be written to.",
  space: "Whether there is space is not known.",
  runner: "The store does not say what is due.",
  host: "The host does not say whether it is ready.",
};
