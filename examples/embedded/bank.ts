import type { Activity, Provider } from "signalbox";
import { z } from "zod";
import type { Receipt, Transfer } from "./refund.ts";

const receipt = z.object({ transfer: z.string() });

/** Performs `payBack` at a bank. A crash may have it ask twice; the bank tells by the key that it is the same transfer. */
export function bankProvider(url: string): Provider {
  const payBack: Activity<Transfer, Receipt> = async (transfer, { key, signal }) => {
    const response = await fetch(`${url}/transfers`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(transfer),
      signal,
    });
    if (response.status === 422) throw new FinalAnswer(await response.text()); // to ask again would not help
    if (!response.ok) throw new Error(`The bank answered ${response.status}`);
    return receipt.parse(await response.json());
  };
  return { name: "bank", activities: { payBack } };
}

/** Is not retried: the machine hears of it at once. */
class FinalAnswer extends Error {
  readonly retryable = false;
}
