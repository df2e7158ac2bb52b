/** A channel's name: what may stand before the `@` of a rollout's id. */
export const channelPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** A version as it is published: a commit, a tag. What may stand after the `@`. */
export const refPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
export const refRule = "a ref is 1 to 128 letters, digits and . _ + - and begins with a letter or digit";

/** A host's name, as a token for its agent may carry it. */
export const hostPattern = /^[\w-][\w.-]{0,252}$/;

export interface RolloutIdParts {
  channel: string;
  ref: string;
  /** 1 for the first rollout of the ref over the channel. */
  run: number;
}

/** `{channel}@{ref}`, and `{channel}@{ref}~{n}` for the n-th run of the same ref; undefined for anything else. */
export function parseRolloutId(id: string): RolloutIdParts | undefined {
  const [, channel, ref, run] = /^([^@~]+)@([^@~]+)(?:~([1-9]\d{0,8}))?$/.exec(id) ?? [];
  if (channel === undefined || ref === undefined || run === "1") return undefined;
  if (!channelPattern.test(channel) || !refPattern.test(ref)) return undefined;
  return { channel, ref, run: run === undefined ? 1 : Number(run) };
}

/** The id of a run. */
export function rolloutIdOf({ channel, ref, run }: RolloutIdParts): string {
  return run === 1 ? `${channel}@${ref}` : `${channel}@${ref}~${run}`;
}

/** The id of a host's part in a rollout. */
export function hostIdOf(rolloutId: string, host: string): string {
  return `${rolloutId}/${host}`;
}
