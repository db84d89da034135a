import type { VM_EVENT_KINDS, VmEvent as Event } from '../../../events/vm-event.ts';
import { toVmStatus } from '../../../vm/vm-status.ts';
import { findVm } from '../../../vm/vm-store.ts';
import { builder } from '../builder.ts';
import { Vm, VmStatus } from './vm.ts';

const kindDescriptions = {
  SNAPSHOT: { description: 'How the VM stands at the beginning of the subscription.' },
  CREATED: { description: 'The VM came to be.' },
  CHANGED: { description: 'Anything of the VM changed, mostly its status.' },
  PROGRESS: { description: 'A boot went on, at most 4 a second; not stored, not replayed.' },
  DELETED: { description: 'The VM is gone; its last event.' },
} as const satisfies Record<(typeof VM_EVENT_KINDS)[number], object>;

const VmEventKind = builder.enumType('VmEventKind', { description: 'What an event tells.', values: kindDescriptions });

const VmEvent = builder.objectRef<Event>('VmEvent').implement({
  description: 'One change of one VM.',
  fields: (t) => ({
    seq: t.string({
      description:
        'Its number in the account, gapless and in the order of commits: the cursor to resume from. SNAPSHOT carries the number up to which it speaks, PROGRESS repeats the last one.',
      resolve: ({ seq }) => String(seq),
    }),
    kind: t.field({ type: VmEventKind, description: 'What it tells.', resolve: ({ kind }) => kind }),
    vmId: t.exposeID('vmId', { description: 'The VM.' }),
    status: t.field({ type: VmStatus, description: 'The status that this event brought.', resolve: ({ status }) => toVmStatus(status) }),
    previousStatus: t.field({
      type: VmStatus,
      nullable: true,
      description: 'The status before it; null where there was none.',
      resolve: ({ previousStatus }) => (previousStatus === undefined ? null : toVmStatus(previousStatus)),
    }),
    vm: t.field({
      type: Vm,
      nullable: true,
      description: 'The VM as it is when the event is delivered, which may be further on than `status`; null once deleted.',
      resolve: async ({ vmId }, _args, { db, viewer }) => (await findVm(db, viewer.userId, vmId)) ?? null,
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description:
        'Why: USER, BOOT, CRASH, OOM, DEADLINE, ENGINE, UPDATE (its container is replaced, since what it is made from changed), UNDO (the new one did not come up, the old one comes back; see `lastFailure`), DISK or ADOPT (an operator gave back a VM that a restored database did not know); null for SNAPSHOT and PROGRESS.',
    }),
    at: t.field({ type: 'DateTime', description: 'When it was committed.', resolve: ({ at }) => at }),
  }),
});

builder.subscriptionField('vmEvents', (t) =>
  t.field({
    type: VmEvent,
    description:
      'Without `after`: first a SNAPSHOT of each VM asked for, then every change. With `after`: every event since that seq, then every change. ' +
      "Nothing is skipped, nothing comes twice, each VM's last event is DELETED. A cursor older than what is kept starts again with SNAPSHOTs. " +
      'Errors: NOT_FOUND for a `vmId` that is not yours, BAD_USER_INPUT for an `after` that is no number.',
    args: {
      vmId: t.arg.id({
        required: false,
        description: 'Only this VM; the subscription ends after its DELETED. Without it: all VMs of the account.',
      }),
      after: t.arg.string({ required: false, description: 'The seq of the last event seen.' }),
    },
    subscribe: (_root, { vmId, after }, { streams, viewer, lastEventId, connection }) =>
      streams.subscribe({
        userId: viewer.userId,
        vmId: vmId ?? undefined,
        after: after ?? lastEventId,
        connection,
      }),
    resolve: (event) => event,
  }),
);
