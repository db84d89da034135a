import { context, trace, type Context, type Span } from '@opentelemetry/api';
import { contextOfTraceparent, tracer } from '../../tracing.ts';
import type { VmStatus } from '../../vm/vm-status.ts';
import type { Vm } from '../../vm/vm.ts';

/** Statuses that last: checks of such a VM repeat as long as it lives, and are not traced. */
const LASTING: ReadonlySet<VmStatus> = new Set(['RUNNING', 'DEGRADED', 'STOPPED', 'FAILED', 'UNKNOWN']);

/**
 * The span of a reconciliation. It belongs to the trace of the request that changed the desired state, until that is
 * reached; what the reconciler does for another reason, such as the end of a container, gets a trace of its own.
 */
export class ReconcileSpan {
  #traceparent: string | null = null;
  #current: { readonly span: Span; readonly context: Context } | undefined;

  /** Runs an iteration. The span begins with the first that has something to do, and anew with each change. */
  run<T>(vm: Pick<Vm, 'id' | 'status'>, traceparent: string | null, iterate: () => Promise<T>): Promise<T> {
    if (traceparent !== this.#traceparent) this[Symbol.dispose]();
    this.#traceparent = traceparent;
    if (traceparent !== null || !LASTING.has(vm.status)) this.#current ??= begin(vm, traceparent);
    return this.#current === undefined ? iterate() : context.with(this.#current.context, iterate);
  }

  /** Ends the span. */
  [Symbol.dispose](): void {
    this.#current?.span.end();
    this.#current = undefined;
  }
}

function begin({ id }: Pick<Vm, 'id'>, traceparent: string | null) {
  const parent = contextOfTraceparent(traceparent);
  const span = tracer.startSpan('vm.reconcile', { attributes: { 'swiftor.vm.id': id } }, parent);
  return { span, context: trace.setSpan(parent, span) };
}
