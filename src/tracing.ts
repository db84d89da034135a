import {
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
} from '@opentelemetry/api';
import { httpStatusOf, isErrorCode } from './errors.ts';
import { errorCode } from './lib/error-code.ts';
import { VERSION } from './lib/version.ts';

const NAME = 'swiftor-gateway';
/** Where every span comes from. Without an SDK its spans record nothing. */
export const tracer = trace.getTracer(NAME, VERSION);
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/** Whether an SDK is there to record spans; the operator loads one with Node's `--import`. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/**
 * Runs the work in a span, which is the active one meanwhile. A rejection fails the span with the error's code: its
 * message may contain a client's values.
 */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  if (!isTracing()) return work(NO_SPAN);
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      failSpan(span, errorCode(error) ?? (error instanceof Error ? error.name : '_OTHER'));
      throw error;
    } finally {
      span.end();
    }
  });
}

/** As `inSpan` if a span is active, otherwise only the work: what runs all the time gets no traces of its own. */
export function inChildSpan<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return trace.getActiveSpan() === undefined ? work() : inSpan(name, options, work);
}

/** Adds an event to the active span, if there is one. */
export function addSpanEvent(name: string, attributes: Attributes): void {
  trace.getActiveSpan()?.addEvent(name, attributes);
}

/** Marks what has ended with an error. What a client or a new desire caused is no failure: it gets the code alone. */
export function failSpan(span: Span, code: string): void {
  span.setAttribute('error.type', code);
  const isFailure = isErrorCode(code) ? httpStatusOf(code) >= 500 : code !== 'AbortError';
  if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The context of a request: that of an instrumentation which has begun a span for it, or of its headers. */
export function contextOfRequest(headers: Readonly<Record<string, unknown>>): Context {
  const active = context.active();
  return trace.getSpan(active) === undefined ? propagation.extract(active, headers) : active;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The active span as a `traceparent` of W3C Trace Context, for what goes on in another process. */
export function activeTraceparent(): string | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  if (active === undefined || !isSpanContextValid(active)) return undefined;
  const flags = active.traceFlags.toString(16).padStart(2, '0');
  return `00-${active.traceId}-${active.spanId}-${flags}`;
}

/** The context in which what `activeTraceparent` has returned goes on; without one, that of a new trace. */
export function contextOfTraceparent(traceparent: string | null): Context {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}
