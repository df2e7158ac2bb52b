import type { Engine } from "signalbox";

export interface Notices {
  /** From now on. */
  follow(refund: string): Promise<void>;
  /** Those that were open when the process came up. */
  followOpen(): Promise<void>;
  stop(): void;
}

/**
 * Tells the customer of every step of a refund, as long as the process lives. What must not be lost when it dies is no
 * notice but an activity of the machine.
 */
export function createNotices(engine: Engine, tell: (notice: { refund: string; state: string }) => void): Notices {
  const stops = new Map<string, () => void>();

  async function follow(refund: string) {
    if (stops.has(refund)) return;
    const actor = await engine.actor(refund);
    stops.set(refund, actor.stop);
    actor.subscribe((snapshot) => {
      tell({ refund, state: String(snapshot.value) });
      if (snapshot.status === "active") return;
      actor.stop();
      stops.delete(refund);
    });
  }

  return {
    follow,
    async followOpen() {
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page = await engine.list({ machine: "refund", status: "active", ...(cursor && { cursor }) });
        for (const { id } of page.items) await follow(id);
        cursor = page.nextCursor;
      }
    },
    stop() {
      for (const stop of stops.values()) stop();
    },
  };
}
