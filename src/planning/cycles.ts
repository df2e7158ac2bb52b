interface Edge {
  readonly before: string;
  readonly after: string;
}

/** Ways that lead back to where they began: the place of the edge that closes each, and the names along it, first and last the same. */
export function cyclesOf(edges: readonly (Edge | undefined)[]): { closedBy: number; names: readonly string[] }[] {
  const leaving = new Map<string, { to: string; place: number }[]>();
  for (const [place, edge] of edges.entries()) {
    if (edge === undefined) continue;
    const known = leaving.get(edge.before);
    if (known === undefined) leaving.set(edge.before, [{ to: edge.after, place }]);
    else known.push({ to: edge.after, place });
  }
  const done = new Set<string>();
  return [...leaving.keys()].toSorted().flatMap((start) => walk(start, leaving, done));
}

/** Depth first with a stack of its own: a chain of edges may be longer than the runtime's. */
function walk(start: string, leaving: ReadonlyMap<string, { to: string; place: number }[]>, done: Set<string>) {
  const cycles: { closedBy: number; names: readonly string[] }[] = [];
  if (done.has(start)) return cycles;
  const path = [{ name: start, next: 0 }];
  const onPath = new Map([[start, 0]]);
  for (let here = path.at(-1); here !== undefined; here = path.at(-1)) {
    const edge = leaving.get(here.name)?.[here.next];
    here.next += 1;
    if (edge === undefined) {
      done.add(here.name);
      onPath.delete(here.name);
      path.pop();
      continue;
    }
    const since = onPath.get(edge.to);
    if (since !== undefined) {
      const names = path.slice(since).map(({ name }) => name);
      cycles.push({ closedBy: edge.place, names: [...names, edge.to] });
    } else if (!done.has(edge.to)) {
      onPath.set(edge.to, path.length);
      path.push({ name: edge.to, next: 0 });
    }
  }
  return cycles;
}
