import type { Attributes, Span, SpanKind } from "@opentelemetry/api";
import { traceparentIn } from "../core/traceparent.ts";
import type { Engine } from "../engine/engine.ts";
import type { Observer, Watch } from "../engine/observer.ts";
import type { RequestEnd } from "./request-metrics.ts";

type OpenTelemetry = typeof import("@opentelemetry/api");

/** Spans for what is asked over HTTP; sends and calls make theirs through the engine. */
export interface Tracing {
  requesting(request: { method: string; path: string; trace?: string }): Watch<RequestEnd>;
}

/**
 * Makes spans of requests, sends and calls, each a child of what led to it, also across a restart: the rows keep the
 * traceparent. They go to whatever tracer provider the host has registered; undefined where OpenTelemetry's API is not installed.
 */
export async function createTracing(
  engine: Engine,
  load: () => Promise<unknown> = () => import("@opentelemetry/api"),
): Promise<Tracing | undefined> {
  const api = await installed(load);
  if (api === undefined) return undefined;
  const spans = createSpans(api);
  engine.observe(observerOf(spans, api));
  return { requesting: requestingBy(spans, api) };
}

async function installed(load: () => Promise<unknown>): Promise<OpenTelemetry | undefined> {
  try {
    return (await load()) as OpenTelemetry;
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

interface Spans {
  /** Below what the traceparent names, else below the span that is active. */
  start(name: string, given: { kind: SpanKind; trace?: string | null; attributes: Attributes }): Span;
  /** Undefined when nobody records and nothing was handed in. */
  traceparentOf(span: Span): string | undefined;
  fail(span: Span, type: string, message?: string): void;
}

function createSpans({ trace, context, ROOT_CONTEXT, SpanStatusCode }: OpenTelemetry): Spans {
  const tracer = trace.getTracer("signalbox");

  function contextOf(traceparent: string) {
    const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
    const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return trace.setSpanContext(ROOT_CONTEXT, spanContext);
  }

  return {
    start(name, { kind, trace: traceparent, attributes }) {
      const parent = traceparent == null ? context.active() : contextOf(traceparent);
      return tracer.startSpan(name, { kind, attributes }, parent);
    },
    traceparentOf(span) {
      const { traceId, spanId, traceFlags } = span.spanContext();
      return traceparentIn(`00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`);
    },
    fail(span, type, message) {
      span.setAttribute("error.type", type);
      span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    },
  };
}

function observerOf(spans: Spans, { SpanKind }: OpenTelemetry): Observer {
  return {
    sending({ instance, event, moves, trace }) {
      const span = spans.start("send", {
        kind: SpanKind.INTERNAL,
        trace,
        attributes: {
          "signalbox.instance.id": instance,
          ...(event !== null && { "signalbox.event.type": event }),
          "signalbox.moves": moves,
        },
      });
      return {
        trace: spans.traceparentOf(span),
        ended({ outcome, code }) {
          span.setAttribute("signalbox.outcome", outcome);
          if (code !== undefined) spans.fail(span, code);
          span.end();
        },
      };
    },
    performing({ key, instance, machine, activity, attempt, trace }) {
      const span = spans.start(`call ${activity}`, {
        kind: SpanKind.CONSUMER, // what asked for it may be long gone
        trace,
        attributes: {
          "signalbox.instance.id": instance,
          "signalbox.machine": machine,
          "signalbox.activity": activity,
          "signalbox.call.key": key,
          "signalbox.call.attempt": attempt,
        },
      });
      return {
        trace: spans.traceparentOf(span),
        ended({ outcome, error }) {
          span.setAttribute("signalbox.outcome", outcome);
          if (outcome === "failed" || outcome === "retried") spans.fail(span, "_OTHER", error);
          span.end();
        },
      };
    },
  };
}

/** By the semantic conventions for HTTP servers. A host that makes server spans itself gets an internal one below its own. */
function requestingBy(spans: Spans, { trace, context, SpanKind }: OpenTelemetry): Tracing["requesting"] {
  return ({ method, path, trace: traceparent }) => {
    const isServed = trace.getSpan(context.active()) !== undefined;
    const span = spans.start(method, {
      kind: isServed ? SpanKind.INTERNAL : SpanKind.SERVER,
      ...(!isServed && traceparent !== undefined && { trace: traceparent }),
      attributes: { "http.request.method": method, "url.path": path, "url.scheme": "http" },
    });
    return {
      trace: spans.traceparentOf(span),
      ended({ route, status }) {
        if (route !== undefined) span.updateName(`${method} ${route}`).setAttribute("http.route", route);
        span.setAttribute("http.response.status_code", status);
        if (status >= 500) spans.fail(span, String(status));
        span.end();
      },
    };
  };
}
