import {
  context,
  INVALID_SPANID,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type ContextManager,
  type Span,
  type SpanContext,
  type SpanStatus,
} from "@opentelemetry/api";

/** A span that was started, as the tracer saw it. */
export interface Recorded {
  name: string;
  kind: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  attributes: Attributes;
  status: SpanStatus | undefined;
  isEnded: boolean;
}

/** Registers a tracer provider with the API, as a host does, and answers with the spans that it records. Begins at its own numbers. */
export function registerTracer(): { spans: Recorded[]; unregister(): void } {
  const spans: Recorded[] = [];
  let last = 0;
  const idOf = (length: number) => (++last).toString(16).padStart(length, "a");

  function startSpan(name: string, options: { kind?: SpanKind; attributes?: Attributes } = {}, parent: Context) {
    const above = trace.getSpanContext(parent);
    const spanContext: SpanContext = { traceId: above?.traceId ?? idOf(32), spanId: idOf(16), traceFlags: 1 };
    const recorded: Recorded = {
      name,
      kind: SpanKind[options.kind ?? SpanKind.INTERNAL],
      ...spanContext,
      parentSpanId: above?.spanId === INVALID_SPANID ? undefined : above?.spanId,
      attributes: { ...options.attributes },
      status: undefined,
      isEnded: false,
    };
    spans.push(recorded);
    const span = {
      spanContext: () => spanContext,
      setAttribute(key: string, value: string | number) {
        recorded.attributes[key] = value;
        return span;
      },
      setStatus(status: SpanStatus) {
        recorded.status = status;
        return span;
      },
      updateName(newName: string) {
        recorded.name = newName;
        return span;
      },
      end() {
        recorded.isEnded = true;
      },
    };
    return span as unknown as Span; // what is left out is not asked for
  }

  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) });
  return {
    spans,
    unregister: () => {
      trace.disable();
      context.disable();
    },
  };
}

/** Makes a span active for as long as the work takes to begin, as an instrumented host does. */
export function activeSpans(): ContextManager {
  let active: Context | undefined;
  const manager: ContextManager = {
    active: () => active ?? ROOT_CONTEXT,
    with(inner, work, self, ...args) {
      const before = active;
      active = inner;
      try {
        return work.call(self as never, ...args);
      } finally {
        active = before;
      }
    },
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
