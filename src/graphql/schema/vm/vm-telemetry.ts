import { ApiError, badInput } from '../../../errors.ts';
import { fromLogCursor } from '../../../vm/telemetry/log-position.ts';
import { STATS_EVERY_SECONDS, STATS_MINUTES } from '../../../vm/telemetry/stats-history.ts';
import { findVm } from '../../../vm/store/vm-store.ts';
import type { LogLine as Line, VmStats as Stats } from '../../../vm/telemetry/vm-telemetry.ts';
import type { Vm as VmRow } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { Vm } from './vm.ts';

const LogLine = builder.objectRef<Line>('LogLine').implement({
  description: 'A line of output of the app.',
  fields: (t) => ({
    at: t.field({
      type: 'DateTime',
      description: 'When it was written, by the clock of the engine.',
      resolve: ({ at }) => at,
    }),
    stream: t.exposeString('stream', {
      description: '"stdout" or "stderr"; "gateway" for a line that says how many were left out.',
    }),
    text: t.exposeString('text', { description: 'The line without its line break, truncated to 16 KiB.' }),
    cursor: t.exposeString('cursor', {
      description: 'With `vmLogs(after:)`, a client that was cut continues behind this line.',
    }),
  }),
});

const VmStats = builder.objectRef<Stats>('VmStats').implement({
  description: 'The resource usage of a VM at one time.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When it was measured.', resolve: ({ at }) => at }),
    cpuPercent: t.exposeFloat('cpuPercent', { description: 'CPU usage; 100 is one full core.' }),
    memoryBytes: t.exposeFloat('memoryBytes', { description: 'Memory in use, without reclaimable cache.' }),
    memoryLimitBytes: t.exposeFloat('memoryLimitBytes', { description: 'The memory limit.' }),
    networkRxBytes: t.exposeFloat('networkRxBytes', { description: 'Bytes received since the container started.' }),
    networkTxBytes: t.exposeFloat('networkTxBytes', { description: 'Bytes sent since the container started.' }),
  }),
});

builder.objectField(Vm, 'statsHistory', (t) =>
  t.field({
    type: [VmStats],
    description:
      `What it used while it was running, about every ${STATS_EVERY_SECONDS} s, oldest first; \`vmStats\` has what ` +
      'follows. A crash of the database empties it. Errors: BAD_USER_INPUT.',
    complexity: ({ minutes }) => ({ field: 1, multiplier: ((minutes ?? STATS_MINUTES) * 60) / STATS_EVERY_SECONDS }),
    args: {
      minutes: t.arg.int({
        required: false,
        defaultValue: STATS_MINUTES,
        description: `How far back, 1 to ${STATS_MINUTES} minutes.`,
      }),
    },
    resolve: async ({ id }, { minutes }, { loaders }) => {
      const wanted = minutes ?? STATS_MINUTES;
      if (wanted < 1 || wanted > STATS_MINUTES)
        throw badInput([{ path: 'minutes', message: `must be from 1 to ${STATS_MINUTES}.` }]);
      return (await loaders.stats(id)).filter(({ ageSeconds }) => ageSeconds <= wanted * 60);
    },
  }),
);

const MAX_TAIL = 1_000;

builder.subscriptionFields((t) => ({
  vmLogs: t.field({
    type: LogLine,
    description:
      'The output of the app: the last lines, then each new one, across restarts and replacements of its container, ' +
      'until the VM is deleted. With `after`: the lines behind that cursor, of the last 1,000, then each new one. ' +
      'An account is sent 500 points of lines a second, over all its subscriptions, of ' +
      'which a line takes one and one more for each 512 bytes. Lines beyond that are left out, and a line of the ' +
      'stream "gateway" says how many. Errors: NOT_FOUND, BAD_USER_INPUT.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      tail: t.arg.int({ required: false, defaultValue: 100, description: 'The number of past lines, 0 to 1000.' }),
      after: t.arg.string({
        required: false,
        description: 'The `cursor` of the last line that the client has seen; `tail` is then without effect.',
      }),
    },
    subscribe: async (_root, { vmId, tail, after }, context) => {
      const lines = tail ?? 100;
      if (lines < 0 || lines > MAX_TAIL) throw badInput([{ path: 'tail', message: `must be from 0 to ${MAX_TAIL}.` }]);
      const cursor = context.lastEventId ?? after ?? undefined;
      const position = cursor === undefined ? undefined : fromLogCursor(cursor);
      if (cursor !== undefined && position === undefined)
        throw badInput([{ path: 'after', message: 'must be the cursor of a line.' }]);
      const vm = await getVm(context, vmId);
      return context.telemetry.logs(vm, { tail: lines, after: position });
    },
    resolve: (line) => line,
  }),
  vmStats: t.field({
    type: VmStats,
    description: 'The resource usage, about once per second while the container runs. Errors: NOT_FOUND.',
    args: { vmId: t.arg.id({ description: 'The VM.' }) },
    subscribe: async (_root, { vmId }, context) => {
      const vm = await getVm(context, vmId);
      return context.telemetry.stats(vm);
    },
    resolve: (stats) => stats,
  }),
}));

async function getVm({ db, viewer }: Context, vmId: string): Promise<VmRow> {
  const vm = await findVm(db, viewer.userId, vmId);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}
