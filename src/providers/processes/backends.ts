/** Where a router sends requests. */
export interface Backend {
  /** The incarnation behind it: a port may be given again, this is not. */
  readonly id: string;
  readonly port: number;
}

/** The backends in rotation, round robin, and how many requests are open at each, at those taken out as well. */
export interface BackendPool {
  replace(backends: readonly Backend[]): void;
  /** The next one in turn that was not tried. */
  next(tried: ReadonlySet<string>): Backend | undefined;
  /** Counts a request until the returned function is called; calling it again does nothing. */
  open(backend: Backend): () => void;
  list(): readonly Backend[];
  openRequests(): Record<string, number>;
}

/** `onIdle` is called when the last open request at a backend that is out of rotation has ended. */
export function createBackendPool(onIdle: (backend: Backend) => void): BackendPool {
  let rotation: readonly Backend[] = [];
  let turn = 0;
  const open = new Map<string, number>();

  const isInRotation = ({ id }: Backend) => rotation.some((other) => other.id === id);
  const tellIfIdle = (backend: Backend) => {
    if (!open.has(backend.id) && !isInRotation(backend)) onIdle(backend);
  };

  return {
    replace(backends) {
      const before = rotation;
      rotation = backends;
      before.forEach(tellIfIdle);
    },
    next(tried) {
      const candidates = rotation.filter(({ id }) => !tried.has(id));
      turn = (turn + 1) % Number.MAX_SAFE_INTEGER;
      return candidates.length === 0 ? undefined : candidates[turn % candidates.length];
    },
    open(backend) {
      open.set(backend.id, (open.get(backend.id) ?? 0) + 1);
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (open.get(backend.id) ?? 1) - 1;
        if (left > 0) open.set(backend.id, left);
        else open.delete(backend.id);
        tellIfIdle(backend);
      };
    },
    list: () => rotation,
    openRequests: () => Object.fromEntries(open),
  };
}
