import type { EventsOf, Refusal } from "signalbox";
import type { events } from "./events.ts";

export interface Rollout {
  flag: string;
  /** The most that is borne, in errors per million requests. */
  errorsMax: number;
  /** As last observed. */
  errors: number;
}

export type RolloutEvent = EventsOf<typeof events>;

/** A law says nothing when the event may pass; else why not, and what to send instead. */
export const laws = {
  isBearable({ errorsMax }: Rollout, event: RolloutEvent): Refusal | undefined {
    if (event.type !== "errors.observed" || event.perMillion <= errorsMax) return undefined;
    return { code: "too-many-errors", detail: `${event.perMillion} of a million fail; ${errorsMax} are borne.` };
  },

  hasRecovered({ errors, errorsMax }: Rollout): Refusal | undefined {
    if (errors <= errorsMax) return undefined;
    return {
      code: "still-failing",
      detail: `${errors} of a million still fail; ${errorsMax} are borne.`,
      data: { errors, errorsMax },
      hint: "rollout.withdraw",
    };
  },
};
