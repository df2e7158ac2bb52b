/** What became of one attempt. */
export type Outcome<Body> = { kind: "answered"; body: Body } | Failed;

export interface Failed {
  kind: "failed";
  error: unknown;
  /** The same request may be answered a little later. */
  isPassing: boolean;
  retryAfterMs?: number;
}
