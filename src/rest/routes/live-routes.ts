import { toInteger } from './port-routes.ts';
import { DETAILS, toDetails } from './rest-vm.ts';
import type { RestData, StreamRoute } from './route.ts';

const LIVE = { methods: ['GET'], tag: 'Live', changesState: false } as const;

const EVENT =
  `seq kind vmId status previousStatus reason note at ` +
  `vm { ${DETAILS} progress { percent message bytesDone bytesTotal } }`;

/** What happens to VMs, as server-sent events. */
export const LIVE_ROUTES: readonly StreamRoute[] = [
  {
    ...LIVE,
    path: '/vms/events',
    id: 'followVms',
    summary: 'Every change of every VM',
    description:
      'First the state of each VM, then every change; with `after` or `Last-Event-ID`, every change since then. ' +
      'None is lost or sent twice. If the changes since then are no longer stored, it begins with the state of ' +
      'each VM.',
    query: ['after'],
    result: 'VmEvent',
    document: `subscription ($after: String) { vmEvents(after: $after, markers: true) { ${EVENT} } }`,
    // An EventSource connects again to the same address, `after` included.
    variables: ({ query: { after }, lastEventId = after }) => ({ after: lastEventId }),
    event: toEvent,
  },
  {
    ...LIVE,
    path: '/vms/events/:vmid',
    id: 'followVm',
    summary: 'Every change of one VM, until it is deleted',
    description: 'As /vms/events. The last event of a VM is DELETED.',
    query: ['after'],
    result: 'VmEvent',
    document:
      'subscription ($vmId: ID!, $after: String) ' +
      `{ vmEvents(vmId: $vmId, after: $after, markers: true) { ${EVENT} } }`,
    variables: ({ params: { vmid }, query: { after }, lastEventId = after }) => ({ vmId: vmid, after: lastEventId }),
    event: toEvent,
  },
  {
    ...LIVE,
    path: '/vms/logs/:vmid',
    id: 'followLogs',
    summary: 'The output of the app of a VM: the last lines, then each new one',
    description:
      'Across restarts and replacements of its container, until the VM is deleted. With `after` or `Last-Event-ID`, ' +
      'the `cursor` of a line, it goes on behind that line, as far as it is one of the last 1,000. An account is sent a bounded number of lines; a line of the stream "gateway" ' +
      'says how many were left out.',
    query: ['tail', 'afterLine'],
    result: 'LogLine',
    document:
      'subscription ($vmId: ID!, $tail: Int, $after: String) ' +
      '{ vmLogs(vmId: $vmId, tail: $tail, after: $after) { at stream text cursor } }',
    variables: ({ params: { vmid }, query: { tail, after }, lastEventId = after }) => ({
      vmId: vmid,
      tail: toInteger(tail),
      after: lastEventId,
    }),
    event: ({ vmLogs }) => vmLogs,
  },
  {
    ...LIVE,
    path: '/vms/stats/:vmid',
    id: 'followStats',
    summary: 'What a VM uses of CPU, memory and network, about once per second while it runs',
    description: 'Nothing is sent while the VM does not run.',
    result: 'VmStats',
    document:
      'subscription ($vmId: ID!) { vmStats(vmId: $vmId) ' +
      '{ at cpuPercent memoryBytes memoryLimitBytes networkRxBytes networkTxBytes } }',
    variables: ({ params: { vmid } }) => ({ vmId: vmid }),
    event: ({ vmStats }) =>
      vmStats && {
        at: vmStats.at,
        cpu_percent: vmStats.cpuPercent,
        memory_bytes: vmStats.memoryBytes,
        memory_limit_bytes: vmStats.memoryLimitBytes,
        network_rx_bytes: vmStats.networkRxBytes,
        network_tx_bytes: vmStats.networkTxBytes,
      },
  },
];

function toEvent({ vmEvents }: RestData): object | undefined {
  if (vmEvents === undefined) return undefined;
  const { seq, kind, vmId, status, previousStatus, reason, note, at, vm } = vmEvents;
  const progress = vm?.progress && {
    percent: vm.progress.percent,
    message: vm.progress.message,
    bytes_done: vm.progress.bytesDone,
    bytes_total: vm.progress.bytesTotal,
  };
  return {
    seq,
    kind,
    vmid: vmId,
    status,
    previous_status: previousStatus,
    reason,
    note,
    at,
    progress: progress ?? null,
    vm: vm && toDetails(vm),
  };
}
