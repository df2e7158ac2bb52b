import { describe, expect, it } from "vitest";
import { traceparentIn } from "../../src/core/traceparent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("a traceparent", () => {
  it.each([
    ["of version 00", `00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`],
    ["that is not sampled", `00-${traceId}-${spanId}-00`, `00-${traceId}-${spanId}-00`],
    ["with flags of the future", `00-${traceId}-${spanId}-ff`, `00-${traceId}-${spanId}-ff`],
    ["of a later version", `cc-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`],
    ["of a later version with more fields", `cc-${traceId}-${spanId}-01-what-is-this`, `00-${traceId}-${spanId}-01`],
  ])("%s is read", (_what, header, expected) => {
    expect(traceparentIn(header)).toBe(expected);
  });

  it.each([
    ["missing", undefined],
    ["empty", ""],
    ["of version ff", `ff-${traceId}-${spanId}-01`],
    ["of version 00 with more fields", `00-${traceId}-${spanId}-01-more`],
    ["in capitals", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["without a trace", `00-${"0".repeat(32)}-${spanId}-01`],
    ["without a span", `00-${traceId}-${"0".repeat(16)}-01`],
    ["short", `00-${traceId.slice(1)}-${spanId}-01`],
    ["without flags", `00-${traceId}-${spanId}`],
    ["of a later version that goes on without a dash", `cc-${traceId}-${spanId}-011`],
    ["with something before it", ` 00-${traceId}-${spanId}-01`],
    ["twice", `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
    ["with a line break", `00-${traceId}-${spanId}-01\n`],
  ])("that is %s is ignored", (_what, header) => {
    expect(traceparentIn(header)).toBeUndefined();
  });
});
