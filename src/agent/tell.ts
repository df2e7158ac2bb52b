import type { Log } from "../core/log.ts";
import type { Sent } from "../core/outcome.ts";
import type { Call } from "../core/provider.ts";

/** Reports an event to the calling instance. What its chart refuses is logged with the reasons. */
export async function tell(call: Call, event: { type: string } & Record<string, unknown>, log: Log): Promise<Sent> {
  const sent = await call.report(event);
  if (sent.outcome === "refused")
    log.warn({ instance: call.instance, event: event.type, reasons: sent.reasons }, "the local chart refused an event");
  return sent;
}
