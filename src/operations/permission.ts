import { SignalboxError } from "../core/errors.ts";
import { isApproval, sendersOf, type Machine, type Sender } from "../core/machine.ts";
import type { Caller, Permission, Role } from "./operation.ts";

/** A role without the host of an agent. */
type Kind = Exclude<Role, `agent:${string}`> | "agent";

/** What each role may ask. */
const grants: Readonly<Record<Kind, readonly Permission[]>> = {
  anonymous: ["open"],
  viewer: ["open", "read"],
  operator: ["open", "read", "send", "operate"],
  approver: ["open", "read", "send", "operate"],
  agent: ["open", "send", "agent"],
  admin: ["open", "read", "send", "operate", "agent", "administer"],
  local: ["open", "read", "send", "operate", "agent", "administer"],
};

/** Who a role is when it sends an event. Nobody is the engine. */
const senders: Readonly<Record<Kind, readonly Sender[]>> = {
  anonymous: [],
  viewer: [],
  operator: ["person"],
  approver: ["person"],
  agent: ["agent"],
  admin: ["person", "agent", "provider"],
  local: ["person", "agent", "provider"],
};

const approvers: readonly Kind[] = ["approver", "admin"];

/** Throws `forbidden`, or `unauthenticated` for somebody of whom nothing is known. */
export function checkPermission({ principal, role }: Caller, permission: Permission): void {
  if (grants[kindOf(role)].includes(permission)) return;
  if (role === "anonymous") throw new SignalboxError("unauthenticated", "This is not told to everybody. Send a token.");
  const who = `${principal} is ${named(role)} and may not`;
  if (permission === "send") {
    const detail = `${who} send events; it takes a role that may send this one, and \`explain\` with its type says which.`;
    throw new SignalboxError("forbidden", detail);
  }
  const needed = rolesWhere((kind) => grants[kind].includes(permission));
  throw new SignalboxError("forbidden", `${who} do this; it takes ${needed}.`);
}

/** Throws `forbidden` when the caller may not send the event to that instance. What the machine does not know is not judged. */
export function checkSender(caller: Caller, sending: Sending): void {
  const why = whyNotSend(caller, sending);
  if (why !== undefined) throw new SignalboxError("forbidden", why);
}

/** Throws `forbidden` to the agent of another host, before it is told whether there is such an instance. */
export function checkHost(caller: Caller, id: string): void {
  checkSender(caller, { id, machine: undefined, type: "" });
}

export interface Sending {
  /** Of the instance. */
  id: string;
  machine: Machine | undefined;
  type: string;
}

/** Why the caller may not send an event to an instance, whatever its statechart says; nothing when it may. */
export function whyNotSend({ principal, role }: Caller, { id, machine, type }: Sending): string | undefined {
  const kind = kindOf(role);
  if (kind === "agent" && !isOfHost(id, hostOf(role))) {
    return `${principal} is ${named(role)}; it sends to what is of its own host only, and ${id} is not.`;
  }
  const schema = machine !== undefined && Object.hasOwn(machine.events, type) ? machine.events[type] : undefined;
  if (schema === undefined) return undefined;
  const taken = sendersOf(schema);
  if (taken.every((each) => each === "engine")) return undefined; // told as what it is: `internal-event`
  if (!senders[kind].some((each) => taken.includes(each))) {
    const needed = rolesWhere((each) => senders[each].some((sender) => taken.includes(sender)));
    return `${principal} is ${named(role)} and may not send ${type}; it takes ${needed}.`;
  }
  if (!isApproval(schema) || approvers.includes(kind)) return undefined;
  if (kind === "local")
    return `${type} is an approval, and approvals need authentication: who approves has to be known.`;
  return `${principal} is ${named(role)} and may not send ${type}, an approval; it takes ${rolesWhere((each) => approvers.includes(each))}.`;
}

/**
 * Whether an instance is one of a host's own: its id is the host's name, or ends in it after a slash. `node/web-1` and
 * `stable@v7/web-1` are of the host `web-1`.
 */
export function isOfHost(id: string, host: string): boolean {
  return id === host || id.endsWith(`/${host}`);
}

/** A name without a slash: an id must not be made to look as if it ended in one. */
const agentRole = /^agent:([\w-][\w.-]{0,252})$/;

/** Whether a text is a role that a token may carry. */
export function isTokenRole(text: string): text is TokenRole {
  return text === "viewer" || text === "operator" || text === "approver" || text === "admin" || agentRole.test(text);
}

/** `engine` writes its own entries, and `local` and `anonymous` ask where nobody has a name. */
const reservedPrincipals: ReadonlySet<string> = new Set(["engine", "local", "anonymous"]);

/** Whether a name is the server's own: its providers speak as `provider:` and the name of the activity. */
export function isReservedPrincipal(name: string): boolean {
  return reservedPrincipals.has(name) || name.startsWith("provider:");
}

export type TokenRole = Exclude<Role, "local" | "anonymous">;

function hostOf(role: Role): string {
  return hostOfAgent(role) ?? "";
}

/** The host that a role is the agent of; undefined for all other roles. */
export function hostOfAgent(role: Role): string | undefined {
  return agentRole.exec(role)?.[1];
}

function kindOf(role: Role): Kind {
  return role.startsWith("agent:") ? "agent" : (role as Kind);
}

function named(role: Role): string {
  return /^[aeio]/.test(role) ? `an ${role}` : `a ${role}`;
}

/** Those that a token may carry, as the end of a sentence. */
function rolesWhere(fits: (kind: Kind) => boolean): string {
  const kinds = (["viewer", "operator", "approver", "agent", "admin"] as const).filter(fits);
  return kinds.join(" or ");
}
