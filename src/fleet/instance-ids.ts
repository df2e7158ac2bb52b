/** Ids of the instances of which an installation has one. */
export const lineId = "line";
export const fleetId = "fleet";

export function channelIdOf(channel: string): string {
  return `channel/${channel}`;
}

/** The document that holds the plan of a rollout. */
export function planIdOf(rolloutId: string): string {
  return `plan/${rolloutId}`;
}

/** The document that holds a declaration of the fleet. */
export function fleetDocumentIdOf(hash: string): string {
  return `fleet/${hash}`;
}
