import { context, propagation, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { afterAll } from 'vitest';

export interface SpanRecorder {
  /** The ended spans of a trace, by their ends. */
  ofTrace(traceId: string): ReadableSpan[];
  all(): ReadableSpan[];
}

/** Registers the SDK for the tests of this file. A process can do that once: its tracers keep what they found first. */
export function recordSpans(): SpanRecorder {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  afterAll(async () => {
    for (const api of [trace, context, propagation]) api.disable();
    await provider.shutdown();
  });
  return {
    ofTrace: (traceId) => exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId),
    all: () => exporter.getFinishedSpans(),
  };
}
