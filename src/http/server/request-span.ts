import type { IncomingMessage, ServerResponse } from 'node:http';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { requestIdOf } from '../request/request-id.ts';
import { contextOfRequest, isTracing, tracer } from '../../tracing.ts';

/** Other methods share a name, because each name is a group in every tracing tool. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Runs the work in the span of a request, which continues the client's trace if it sends `traceparent`. The span ends
 * with the answer, so that of an event stream lasts as long as somebody listens. It has neither path nor query nor
 * headers: those are the client's values.
 */
export function inRequestSpan<T>(request: IncomingMessage, reply: ServerResponse, work: () => Promise<T>): Promise<T> {
  if (!isTracing()) return work();
  const method = nameMethod(request);
  const attributes = { 'http.request.method': method, 'swiftor.request.id': requestIdOf(request) };
  const parent = contextOfRequest(request.headers);
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
  reply.once('close', () => {
    const { statusCode } = reply;
    span.setAttribute('http.response.status_code', statusCode);
    if (statusCode >= 500)
      span.setAttribute('error.type', String(statusCode)).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  return context.with(trace.setSpan(parent, span), work);
}

/** Names the span of the request after its route, such as `/vms/:vmid`. */
export function nameRequestSpan(request: IncomingMessage, route: string): void {
  trace
    .getActiveSpan()
    ?.updateName(`${nameMethod(request)} ${route}`)
    .setAttribute('http.route', route);
}

function nameMethod({ method = '' }: IncomingMessage): string {
  return METHODS.has(method) ? method : '_OTHER';
}
