import type { Client, InstanceView } from "../client/index.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";

type Heard = InstanceView["hears"];

/** A refusal that lists, of what the instance hears, only what a person may send; every other error as it is. */
export async function refusalForPeople(client: Client, error: unknown): Promise<unknown> {
  if (!isSignalboxError(error, "event-refused")) return error;
  const { id, hears } = (error.details.extra ?? {}) as { id?: string; hears?: Heard };
  if (id === undefined || hears === undefined) return error;
  try {
    const { machine } = await client.read(id);
    const extra = { ...error.details.extra, hears: await saidByPeople(client, machine, hears) };
    return new SignalboxError(error.code, error.detail, { ...error.details, extra });
  } catch {
    return error; // the refusal is what was asked for
  }
}

async function saidByPeople(client: Client, machine: string, hears: Heard): Promise<Heard> {
  const { events } = await client.call("show-machine", { params: { machine } });
  const theirs = new Set(events.filter(({ sentBy }) => sentBy.includes("person")).map(({ type }) => type));
  return hears.filter(({ type }) => theirs.has(type));
}
