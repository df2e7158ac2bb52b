import type { AnyEventObject } from "xstate";
import type { Call } from "../../core/provider.ts";

/** Reports an event unless it is the same as the last one. Throws the signal's reason once the call is withdrawn. */
export function tellChanges(call: Call): (event: AnyEventObject) => Promise<void> {
  let last: string | undefined;
  return async (event) => {
    call.signal.throwIfAborted();
    const text = JSON.stringify(event);
    if (text === last) return;
    last = text;
    await call.report(event);
  };
}
