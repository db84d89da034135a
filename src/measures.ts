import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const registry = new Registry();
const registers = [registry];

/**
 * What the process counts and times while it works, by the conventions of Prometheus. Sums over all gateways are right:
 * each event is counted by the gateway where it happens. `metrics.ts` adds what is read only when it is asked for.
 */
export const measures = {
  registry,
  requestSeconds: new Histogram({
    name: 'swiftor_http_request_duration_seconds',
    help: 'From the headers of an API request to the end of its answer. Event streams are not included.',
    labelNames: ['handler', 'code'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  }),
  requestErrors: new Counter({
    name: 'swiftor_request_errors_total',
    help: 'API requests and operations that failed, by the code that the client got.',
    labelNames: ['code'],
    registers,
  }),
  refusals: new Counter({
    name: 'swiftor_limit_refusals_total',
    help: 'Refusals because of a limit, by limit.',
    labelNames: ['limit'],
    registers,
  }),
  liveConnections: new Gauge({
    name: 'swiftor_live_connections',
    help: 'Open GraphQL WebSockets and event streams.',
    registers,
  }),
  bootStepSeconds: new Histogram({
    name: 'swiftor_vm_boot_step_duration_seconds',
    help: 'How long VMs were in each step of a boot, by its status.',
    labelNames: ['status'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640],
    registers,
  }),
  vmFailures: new Counter({
    name: 'swiftor_vm_failures_total',
    help: 'Failures of VMs by code, including those after which a change was undone.',
    labelNames: ['code'],
    registers,
  }),
  reconcileLagSeconds: new Histogram({
    name: 'swiftor_reconcile_lag_seconds',
    help: 'From the time at which a VM was due until a gateway took it.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  }),
  checkLagSeconds: new Histogram({
    name: 'swiftor_check_lag_seconds',
    help: 'From the time at which the app of a VM that runs was to be asked again until it was.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  }),
  eventLagSeconds: new Histogram({
    name: 'swiftor_event_lag_seconds',
    help: "From the beginning of a change's transaction until its event was given to this gateway's subscribers.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  }),
} as const;

/** The limits that refusals are counted by. */
export type Limit = 'account_rate' | 'address_rate' | 'change_rate' | 'live_connections' | 'unknown_addresses';

/** Counts one refusal. */
export function countRefusal(limit: Limit): void {
  measures.refusals.inc({ limit });
}
