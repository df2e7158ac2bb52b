import type { EventObject } from "xstate";

/** Why something may not be done: a stable code, a sentence, facts, and the event to send instead. */
export interface Refusal {
  code: string;
  detail: string;
  data?: unknown;
  hint?: string;
}

/**
 * A pure rule about an event in a context: a refusal, or nothing when the event may pass. `params` are those that the
 * chart gives with the guard's name.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- laws of different machines are kept in one record; each is typed where it is written
export type Law<Context = any, Event extends EventObject = any, Params = any> = (
  context: Context,
  event: Event,
  params: Params,
) => Refusal | undefined;

export type Laws = Readonly<Record<string, Law>>;

type Guards<L extends Laws> = {
  [Name in keyof L]: (
    args: { context: ContextOf<L[Name]>; event: EventObject },
    params: Parameters<L[Name]>[2],
  ) => boolean;
};

type ContextOf<L extends Law> = L extends (context: infer Context, ...rest: never) => unknown ? Context : never;

/** Guards for `setup({ guards })`: a guard is a law that had nothing to say. */
export function guardsOf<L extends Laws>(laws: L): Guards<L> {
  const guards = Object.entries(laws).map(([name, law]) => [
    name,
    ({ context, event }: { context: unknown; event: EventObject }, params: unknown) =>
      law(context, event, params) === undefined,
  ]);
  return Object.fromEntries(guards) as Guards<L>; // Object.fromEntries loses the keys it was given
}
