import type { AnyEventObject } from "xstate";
import type { Call } from "../../src/core/provider.ts";

export interface TestCall {
  call: Call;
  /** What the activity reported, in order. */
  reports: AnyEventObject[];
  withdraw(): void;
}

/** A call as an engine would hand it to an activity. */
export function createCall(key = "call-1"): TestCall {
  const controller = new AbortController();
  const reports: AnyEventObject[] = [];
  const call: Call = {
    key,
    instance: "node/alpha",
    signal: controller.signal,
    attempt: 1,
    async report(event) {
      reports.push(structuredClone(event));
      return { outcome: "changed", version: reports.length, instance: {} as never }; // no activity reads it
    },
    transact: moveOthers,
    transactAsEngine: moveOthers,
  };
  return { call, reports, withdraw: () => controller.abort(new DOMException("Withdrawn", "AbortError")) };
}

function moveOthers(): Promise<never> {
  return Promise.reject(new Error("No activity of maintenance moves other instances"));
}
