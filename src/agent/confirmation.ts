import { controlPlaneWitness } from "./witnesses.ts";

/** What is known of whether an activation has cut the host off. */
export type Verdict =
  /** Somebody has answered since. */
  | "confirmed"
  /** Nobody yet, and there is time left. */
  | "waiting"
  /** A confirm target that answered before does not answer any more, nor does anybody else. */
  | "unconfirmed"
  /** Only the control plane was heard before: whether it is away or this host is cut off cannot be told. */
  | "undecided";

/**
 * An activation is confirmed by any answer after it. It counts as having cut the host off when its time is over in silence
 * although a confirm target had answered in the minute before. The silence of the control plane alone proves nothing: it may
 * be away itself, and then every host would go back.
 */
export function verdictOf(given: {
  /** Who answered in the minute before the activation. */
  before: readonly string[];
  /** Who has answered since it completed. */
  since: readonly string[];
  now: number;
  /** When the time for an answer is over. */
  until: number;
}): Verdict {
  const { before, since, now, until } = given;
  if (since.length > 0) return "confirmed";
  if (now < until) return "waiting";
  return before.some((witness) => witness !== controlPlaneWitness) ? "unconfirmed" : "undecided";
}
