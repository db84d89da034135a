import { hasVm, type VM_EVENT_KINDS, type VmEvent as Event } from '../../../events/vm-event.ts';
import type { Vm as VmModel } from '../../../vm/vm.ts';
import { toVmStatus } from '../../../vm/vm-status.ts';
import { findVm } from '../../../vm/store/vm-store.ts';
import { builder } from '../builder.ts';
import { Vm } from './vm.ts';
import { VmStatus } from './vm-status.ts';

const kindDescriptions = {
  SNAPSHOT: { description: 'The state of the VM when the subscription starts.' },
  CREATED: { description: 'The VM was created.' },
  CHANGED: { description: 'The VM has changed, usually its status.' },
  PROGRESS: { description: 'The progress of a boot, at most 4 per second. Not stored, and not replayed.' },
  DELETED: { description: 'The VM was deleted. This is its last event.' },
  SNAPSHOT_END: {
    description:
      'Only with `markers`: all VMs have been sent, and one that was not sent does not exist. Live events follow.',
  },
  REPLAY_END: {
    description: 'Only with `markers`: all events since `after` have been sent. Live events follow.',
  },
} as const satisfies Record<(typeof VM_EVENT_KINDS)[number], object>;

const VmEventKind = builder.enumType('VmEventKind', { description: 'The kind of an event.', values: kindDescriptions });

/** An event with its VM, where that was read already. */
export interface EventOfVm extends Event {
  readonly vm?: VmModel;
}

export const VmEvent = builder.objectRef<EventOfVm>('VmEvent').implement({
  description: 'A change of a VM.',
  fields: (t) => ({
    seq: t.string({
      description:
        'Its number within the account, without gaps and in commit order: the cursor to resume from. A SNAPSHOT has ' +
        'the number of the last event that it includes, PROGRESS and the markers that of the last event before them.',
      resolve: ({ seq }) => String(seq),
    }),
    kind: t.field({ type: VmEventKind, description: 'The kind of the event.', resolve: ({ kind }) => kind }),
    vmId: t.exposeID('vmId', {
      description: 'The VM; of SNAPSHOT_END and REPLAY_END the nil UUID, because they are of no VM.',
    }),
    deletedVmId: t.id({
      nullable: true,
      description: 'The VM that was deleted, for caches to drop; null unless the kind is DELETED.',
      resolve: ({ kind, vmId }) => (kind === 'DELETED' ? vmId : null),
    }),
    status: t.field({
      type: VmStatus,
      description: 'The status after this event; UNKNOWN in SNAPSHOT_END and REPLAY_END.',
      resolve: ({ status }) => toVmStatus(status),
    }),
    previousStatus: t.field({
      type: VmStatus,
      nullable: true,
      description: 'The status before this event; null if there was none.',
      resolve: ({ previousStatus }) => (previousStatus === undefined ? null : toVmStatus(previousStatus)),
    }),
    vm: t.field({
      type: Vm,
      nullable: true,
      description:
        'The VM at the time of delivery, which may be newer than `status`; null if it has been deleted, and in ' +
        'SNAPSHOT_END and REPLAY_END.',
      resolve: async ({ kind, vmId, vm }, _args, { db, viewer }) =>
        vm ?? (hasVm(kind) ? ((await findVm(db, viewer.userId, vmId)) ?? null) : null),
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description:
        'The cause: USER, BOOT, CRASH, OOM, DEADLINE, ENGINE, UPDATE (the container is replaced because its ' +
        'configuration has changed), UNDO (the new container did not come up and the old one is restored; see ' +
        '`lastFailure`), DISK, ADOPT (an operator restored a VM that was missing in the database), or OPERATOR (an ' +
        'operator turned it off or deleted it; see `note`). Null for SNAPSHOT, PROGRESS and the markers.',
    }),
    note: t.exposeString('note', {
      nullable: true,
      description: 'Why, in the words of the operator who changed the VM; null if none did.',
    }),
    at: t.field({ type: 'DateTime', description: 'When it was committed, or sent.', resolve: ({ at }) => at }),
  }),
});

builder.subscriptionField('vmEvents', (t) =>
  t.field({
    type: VmEvent,
    description:
      'Without `after`: first a SNAPSHOT of each VM, then every change. With `after`: every event since that seq, ' +
      'then every change. No event is lost or sent twice, and the last event of a VM is DELETED. If the events since ' +
      '`after` are no longer stored, the subscription starts with SNAPSHOTs. With `markers`, SNAPSHOT_END or ' +
      'REPLAY_END says that the client is up to date. A client that is cut between SNAPSHOTs has no cursor yet: it ' +
      'starts again without `after`. Errors: NOT_FOUND for a `vmId` that is not yours, BAD_USER_INPUT for an ' +
      '`after` that is not a number.',
    args: {
      vmId: t.arg.id({
        required: false,
        description: 'Only this VM; the subscription ends after its DELETED event. By default, all VMs of the account.',
      }),
      after: t.arg.string({ required: false, description: 'The `seq` of the last event that the client has seen.' }),
      markers: t.arg.boolean({
        required: false,
        defaultValue: false,
        description:
          'Whether to send SNAPSHOT_END after the SNAPSHOTs, also of an account without VMs, or REPLAY_END after the ' +
          'events since `after`.',
      }),
    },
    subscribe: (_root, { vmId, after, markers }, { streams, viewer, lastEventId, connection }) =>
      streams.subscribe({
        userId: viewer.userId,
        vmId: vmId ?? undefined,
        // An EventSource connects again to the same address, `after` included.
        after: lastEventId ?? after ?? undefined,
        markers: markers ?? false,
        connection,
      }),
    resolve: (event) => event,
  }),
);
