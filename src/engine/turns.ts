/** Who comes first at an instance is stepped first, also when the ones before have to be loaded. */
export interface Turns {
  /** `ready` resolves when all who came before at any of the ids are done; undefined when nobody did. Call `done` in any case, once. */
  take(ids: readonly string[]): { ready: Promise<unknown> | undefined; done(): void };
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return {
    take(ids) {
      const before = ids.map((id) => last.get(id)).filter((turn) => turn !== undefined);
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const id of ids) last.set(id, promise);
      return {
        ready: before.length <= 1 ? before[0] : Promise.all(before),
        done() {
          for (const id of ids) if (last.get(id) === promise) last.delete(id);
          resolve();
        },
      };
    },
  };
}
