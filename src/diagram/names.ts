/** A guard as one reads it: `isForced`, `observes from Active to Recovery`, `in lifecycle.Active and not isRetry`. */
export function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "object" && guard !== null) {
    const { type, params } = guard as { type: string; params?: unknown };
    return [type, ...paramWords(params)].join(" ");
  }
  const { name, guards, stateValue } = guard as ComposedGuard;
  if (stateValue !== undefined) return `in ${statePath(stateValue)}`;
  if (guards === undefined) return name === "" || name === "guard" ? "inline guard" : name;
  if (name === "not") return `not ${bracketed(guards[0])}`;
  return ((name === "or" ? statesOfOne(guards) : undefined) ?? guards.map(bracketed)).join(` ${name} `);
}

/** Alternatives that are all states of one state: the way to them is said once, `in rollout.Active or Failed`. */
function statesOfOne(guards: readonly unknown[]): string[] | undefined {
  const paths = guards.flatMap(alternativesIn).map((guard) => {
    const { stateValue } = guard as Partial<ComposedGuard>;
    const path = stateValue === undefined ? "" : statePath(stateValue);
    return path.includes(" ") ? [] : path.split("."); // of several regions at once
  });
  const ways = new Set(paths.map((path) => path.slice(0, -1).join(".")));
  if (ways.size !== 1 || ways.has("")) return undefined;
  return paths.map((path, index) => (index === 0 ? `in ${path.join(".")}` : (path.at(-1) as string)));
}

/** What a guard asks for one of; itself, when it is no `or`. */
function alternativesIn(guard: unknown): readonly unknown[] {
  const { name, guards } = guard as Partial<ComposedGuard>;
  return name === "or" && guards !== undefined ? guards.flatMap(alternativesIn) : [guard];
}

/** XState's own `and`, `or`, `not` and `stateIn` are functions that carry what they were made of. */
interface ComposedGuard {
  name: string;
  guards?: readonly unknown[];
  stateValue?: unknown;
}

function bracketed(guard: unknown): string {
  const { name, guards } = guard as Partial<ComposedGuard>;
  return guards !== undefined && name !== "not" ? `(${guardName(guard)})` : guardName(guard);
}

function paramWords(params: unknown): string[] {
  if (params === undefined || typeof params === "function") return []; // computed when the guard is asked
  if (typeof params !== "object" || params === null) return [wordFor(params)];
  return Object.entries(params).flatMap(([key, value]) => [key, wordFor(value)]);
}

function wordFor(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? typeof value);
}

function statePath(value: unknown): string {
  if (typeof value === "string") return value.replace(/^#/, "");
  return Object.entries(value as Record<string, unknown>)
    .map(([key, inner]) => [key, statePath(inner)].filter(Boolean).join("."))
    .join(" and ");
}

/** An action as one reads it: its name; XState's own ones with what they are about. */
export function actionName(action: unknown): string {
  if (typeof action === "string") return action;
  const { type, name, assignment, event, sendId, delay } = action as ActionFacts;
  switch (type) {
    case "xstate.assign":
      return typeof assignment === "object" ? `assign ${Object.keys(assignment as object).join(", ")}` : "assign";
    case "xstate.raise":
      return delay === undefined ? `raise ${eventName(event)}` : `raise ${eventName(event)} in ${delayName(delay)}`;
    case "xstate.cancel":
      return typeof sendId === "string" ? `cancel ${sendId}` : "cancel";
    case "xstate.emit":
      return `emit ${eventName(event)}`;
    case "xstate.sendTo":
      return `send ${eventName(event)}`;
    default:
      return type?.replace(/^xstate\./, "") ?? (name === undefined || name === "" ? "inline action" : name);
  }
}

/** What XState's own actions carry, and the name of a function that is an action itself. */
interface ActionFacts {
  type?: string;
  name?: string;
  assignment?: unknown;
  event?: unknown;
  sendId?: unknown;
  delay?: unknown;
}

function eventName(event: unknown): string {
  return typeof event === "object" && event !== null ? (event as { type: string }).type : "an event";
}

/** A wait as one reads it: a delay's name, or a number of milliseconds in the largest unit that holds it whole. */
export function delayName(delay: unknown): string {
  const milliseconds = typeof delay === "string" && /^\d+$/.test(delay) ? Number(delay) : delay;
  if (typeof milliseconds === "string") return milliseconds;
  if (typeof milliseconds !== "number") return "a while";
  const unit = units.find(({ ms }) => milliseconds >= ms && milliseconds % ms === 0);
  return unit === undefined ? `${milliseconds} ms` : `${milliseconds / unit.ms} ${unit.name}`;
}

const units = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;
