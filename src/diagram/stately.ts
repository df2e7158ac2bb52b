import type { Machine } from "../core/machine.ts";
import { actionName, guardName } from "./names.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The chart as Stately's editor imports it: XState's own configuration as JSON, functions replaced by their names.
 * `createMachine` makes the same states and arcs of it again; context, inputs and outputs, which are computed, are left out.
 */
export function statelyConfig(machine: Pick<Machine, "chart">): { [key: string]: Json } {
  const { id } = machine.chart;
  return { ...stateOf(machine.chart.config as Config), id };
}

type Config = Readonly<Record<string, unknown>>;

/** What of a state's configuration says something about its shape, in the order in which it is read. */
function stateOf(config: Config): { [key: string]: Json } {
  const { states, on, after } = config as { states?: Config; on?: Config; after?: Config };
  return present({
    ...kept(config, ["id", "description", "type", "history", "target", "initial", "tags", "meta"]),
    entry: each(config["entry"], actionOf),
    exit: each(config["exit"], actionOf),
    invoke: each(config["invoke"], invokeOf),
    on: on && mapped(on, arcsOf),
    after: after && mapped(after, arcsOf),
    always: arcsOf(config["always"]),
    onDone: arcsOf(config["onDone"]),
    states: states && mapped(states, (state) => stateOf(state as Config)),
  });
}

function arcsOf(arcs: unknown): Json | undefined {
  return each(arcs, (arc) => {
    if (typeof arc !== "object" || arc === null) return jsonOf(arc);
    const { guard, actions } = arc as Config;
    return present({
      ...kept(arc as Config, ["target", "reenter", "description", "meta"]),
      guard: guard === undefined ? undefined : guardOf(guard),
      actions: each(actions, actionOf),
    });
  });
}

/** A composed guard becomes one name: the editor has no word for `and` and `not`. */
function guardOf(guard: unknown): Json {
  return typeof guard === "object" && guard !== null ? namedOf(guard as Named) : { type: guardName(guard) };
}

function actionOf(action: unknown): Json {
  return typeof action === "object" && action !== null ? namedOf(action as Named) : { type: actionName(action) };
}

interface Named {
  type: string;
  params?: unknown;
}

function namedOf({ type, params }: Named): Json {
  return present({ type, params: jsonOf(params) });
}

function invokeOf(invoke: unknown): Json {
  const { src } = invoke as Config;
  return present({
    ...kept(invoke as Config, ["id", "systemId"]),
    src: typeof src === "string" ? src : "inline logic",
    onDone: arcsOf((invoke as Config)["onDone"]),
    onError: arcsOf((invoke as Config)["onError"]),
    onSnapshot: arcsOf((invoke as Config)["onSnapshot"]),
  });
}

/** One or a list, as it was written. */
function each(value: unknown, convert: (item: unknown) => Json | undefined): Json | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return convert(value);
  return value.map((item) => convert(item) ?? null);
}

function mapped(values: Config, convert: (value: unknown) => Json | undefined): { [key: string]: Json } {
  return present(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, convert(value)])));
}

function kept(config: Config, keys: readonly string[]): { [key: string]: Json } {
  return present(Object.fromEntries(keys.map((key) => [key, jsonOf(config[key])])));
}

/** What JSON keeps of a value; nothing of a function. */
function jsonOf(value: unknown): Json | undefined {
  const written = JSON.stringify(value) as string | undefined;
  return written === undefined ? undefined : (JSON.parse(written) as Json);
}

function present(values: Readonly<Record<string, Json | undefined>>): { [key: string]: Json } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [key: string]: Json }; // the filter took the undefined ones out
}
