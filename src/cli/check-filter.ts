import type { Client } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";

/** Says of a filter that nothing has passed whether anything can. Throws `not-found` for a statechart or state that there is not. */
export async function checkFilter(
  client: Client,
  { machine, state }: { machine: string | undefined; state: string | undefined },
): Promise<void> {
  if (machine === undefined && state === undefined) return;
  const names = machine === undefined ? (await client.call("list-machines")).items.map(({ name }) => name) : [machine];
  const charts = await Promise.all(names.map((name) => client.call("show-machine", { params: { machine: name } })));
  const states = new Set(charts.flatMap(({ states }) => states.map(({ name }) => name)));
  if (state === undefined || states.has(state)) return;
  if (machine === undefined) throw new SignalboxError("not-found", `No statechart has a state ${state}.`);
  throw new SignalboxError("not-found", `${machine} has no state ${state}; it has ${[...states].join(", ")}.`);
}
