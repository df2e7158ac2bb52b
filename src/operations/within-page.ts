import type { Engine } from "../engine/engine.ts";

/** So many, or as many as the engine gives at once: an embedder may have set that lower. */
export function withinPage({ limits }: Pick<Engine, "limits">, most: number): number {
  return Math.min(most, limits.pageMax);
}
