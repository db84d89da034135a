import { ApiError, badInput } from '../../../errors.ts';
import { abortOnReturn } from '../../../lib/abort-on-return.ts';
import { findVm } from '../../../vm/vm-store.ts';
import type { LogLine as Line, VmStats as Stats } from '../../../vm/vm-telemetry.ts';
import type { Vm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';

const LogLine = builder.objectRef<Line>('LogLine').implement({
  description: 'One line that the app wrote.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When, by the clock of the engine.', resolve: ({ at }) => at }),
    stream: t.exposeString('stream', { description: '"stdout" or "stderr".' }),
    text: t.exposeString('text', { description: 'The line without its end; cut at 16 KiB.' }),
  }),
});

const VmStats = builder.objectRef<Stats>('VmStats').implement({
  description: 'What the VM consumes at a moment.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When it was read.', resolve: ({ at }) => at }),
    cpuPercent: t.exposeFloat('cpuPercent', { description: '100 is one core used whole.' }),
    memoryBytes: t.exposeFloat('memoryBytes', { description: 'Memory in use, without the cache that can be dropped.' }),
    memoryLimitBytes: t.exposeFloat('memoryLimitBytes', { description: 'What it may use.' }),
    networkRxBytes: t.exposeFloat('networkRxBytes', { description: "Received since the container's start." }),
    networkTxBytes: t.exposeFloat('networkTxBytes', { description: "Sent since the container's start." }),
  }),
});

const MAX_TAIL = 1_000;

builder.subscriptionFields((t) => ({
  vmLogs: t.field({
    type: LogLine,
    description:
      'What the app writes: the last lines, then each new one, across restarts and replacements of its container, until the VM is deleted. Errors: NOT_FOUND, BAD_USER_INPUT.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      tail: t.arg.int({ required: false, defaultValue: 100, description: 'How many lines of the past, 0 to 1000.' }),
    },
    subscribe: async (_root, { vmId, tail }, context) => {
      const lines = tail ?? 100;
      if (lines < 0 || lines > MAX_TAIL) throw badInput([{ path: 'tail', message: `must be from 0 to ${MAX_TAIL}.` }]);
      const vm = await getVm(context, vmId);
      return abortOnReturn((signal) => context.telemetry.logs(vm, lines, signal));
    },
    resolve: (line) => line,
  }),
  vmStats: t.field({
    type: VmStats,
    description: 'What the VM consumes, about once a second while its container runs. Errors: NOT_FOUND.',
    args: { vmId: t.arg.id({ description: 'The VM.' }) },
    subscribe: async (_root, { vmId }, context) => {
      const vm = await getVm(context, vmId);
      return context.telemetry.stats(vm);
    },
    resolve: (stats) => stats,
  }),
}));

async function getVm({ db, viewer }: Context, vmId: string): Promise<Vm> {
  const vm = await findVm(db, viewer.userId, vmId);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}
