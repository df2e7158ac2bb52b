/** Who comes first at an instance is stepped first, also when the ones before have to be loaded. */
export interface Turns {
  /** Call `done` in any case, once. */
  take(ids: readonly string[]): Turn;
}

export interface Turn {
  /** Resolves when all who came before at any of the ids are done; undefined when nobody did. */
  ready: Promise<unknown> | undefined;
  done(): void;
}

/** One who has come: has a promise only when somebody waits for it. */
interface Comer {
  over?: PromiseWithResolvers<void>;
}

export function createTurns(): Turns {
  const last = new Map<string, Comer>();

  function isOver(comer: Comer): Promise<void> {
    comer.over ??= Promise.withResolvers();
    return comer.over.promise;
  }

  return {
    take(ids) {
      const comer: Comer = {};
      const before: Promise<void>[] = [];
      for (const id of ids) {
        const earlier = last.get(id);
        if (earlier !== undefined) before.push(isOver(earlier));
        last.set(id, comer);
      }
      return {
        ready: before.length <= 1 ? before[0] : Promise.all(before),
        done() {
          for (const id of ids) if (last.get(id) === comer) last.delete(id);
          comer.over?.resolve();
        },
      };
    },
  };
}
