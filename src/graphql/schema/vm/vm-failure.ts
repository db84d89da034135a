import { FAILURE_CODES } from '../../../vm/failure-code.ts';
import type { VmFailure as Failure } from '../../../vm/vm.ts';
import { toVmStatus } from '../../../vm/vm-status.ts';
import { builder } from '../builder.ts';
import { VmStatus } from './vm-status.ts';

export const VmFailure = builder.objectRef<Failure>('VmFailure').implement({
  description: 'Why the last attempt failed.',
  fields: (t) => ({
    step: t.field({
      type: VmStatus,
      description: 'The status in which it failed.',
      resolve: ({ step }) => toVmStatus(step),
    }),
    code: t.exposeString('code', {
      description: [
        'One of these.',
        ...Object.entries(FAILURE_CODES).map(([code, meaning]) => `- ${code}: ${meaning}.`),
      ].join('\n'),
    }),
    message: t.exposeString('message', { description: 'What happened and what to do, human-readable.' }),
    exitCode: t.exposeInt('exitCode', { nullable: true, description: "The app's exit code; null if it did not exit." }),
    oomKilled: t.exposeBoolean('oomKilled', { description: 'Whether it was killed because it ran out of memory.' }),
    logTail: t.stringList({
      description: 'The last lines of its output, at most 20, with the values of its secrets redacted.',
      resolve: ({ logTail }) => [...logTail],
    }),
    at: t.field({ type: 'DateTime', description: 'When it failed.', resolve: ({ at }) => new Date(at) }),
    retryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is retried automatically; null if it is not.',
      resolve: ({ retryAt }) => (retryAt === undefined ? null : new Date(retryAt)),
    }),
  }),
});
