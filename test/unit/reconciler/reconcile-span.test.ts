import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { ReconcileSpan } from '../../../src/reconciler/iteration/reconcile-span.ts';
import { activeTraceparent, contextOfTraceparent, inSpan } from '../../../src/tracing.ts';
import type { VmStatus } from '../../../src/vm/vm-status.ts';
import { recordSpans } from '../../support/tracing/record-spans.ts';

const spans = recordSpans();
const vm = (status: VmStatus) => ({ id: '0198c0de-0000-7000-8000-000000000001', status });
const activeTrace = async (): Promise<string | undefined> => trace.getActiveSpan()?.spanContext().traceId;
/** What a request would leave in the row. */
const requestOf = (): Promise<string> => inSpan('request', { root: true }, async () => activeTraceparent() ?? '');
const traceOf = (traceparent: string): string => traceparent.slice(3, 35);

describe('the span of a reconciliation', () => {
  it('belongs to the trace of the request, over all its iterations', async () => {
    const traceparent = await requestOf();
    const span = new ReconcileSpan();
    expect(await span.run(vm('QUEUED'), traceparent, activeTrace)).toBe(traceOf(traceparent));
    expect(await span.run(vm('RUNNING'), traceparent, activeTrace)).toBe(traceOf(traceparent));
    span[Symbol.dispose]();
    const made = spans.ofTrace(traceOf(traceparent)).filter(({ name }) => name === 'vm.reconcile');
    expect(made.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([traceparent.slice(36, 52)]);
  });

  it('continues in the trace of the next request when the desire changes meanwhile', async () => {
    const [start, stop] = [await requestOf(), await requestOf()];
    using span = new ReconcileSpan();
    expect(await span.run(vm('QUEUED'), start, activeTrace)).toBe(traceOf(start));
    expect(await span.run(vm('STOPPING'), stop, activeTrace)).toBe(traceOf(stop));
    expect(spans.ofTrace(traceOf(start)).map(({ name }) => name)).toContain('vm.reconcile');
  });

  it('has a trace of its own when no request caused it', async () => {
    using span = new ReconcileSpan();
    expect(await span.run(vm('QUEUED'), null, activeTrace)).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each(['RUNNING', 'DEGRADED', 'STOPPED', 'FAILED', 'UNKNOWN'] as const)(
    'is not begun by checks of a VM that is %s',
    async (status) => {
      using span = new ReconcileSpan();
      expect(await span.run(vm(status), null, activeTrace)).toBeUndefined();
    },
  );
});

describe('a stored traceparent', () => {
  it.each([
    ['not sampled', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', 0],
    ['sampled', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 1],
  ])('keeps the decision of the request: %s', (_what, traceparent, traceFlags) => {
    expect(trace.getSpanContext(contextOfTraceparent(traceparent))).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags,
      isRemote: true,
    });
  });

  it.each([null, '', 'nonsense', '00-00000000000000000000000000000000-b7ad6b7169203331-01'])(
    'that is none begins a new trace: %s',
    (traceparent) => expect(trace.getSpanContext(contextOfTraceparent(traceparent))).toBeUndefined(),
  );
});
