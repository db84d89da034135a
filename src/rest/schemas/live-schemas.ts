import { EVENT_REASONS, VM_EVENT_KINDS } from '../../events/vm-event.ts';
import { dateTime, described, from, number, object, oneOf, orNull, ref, string, uuid } from './json-schema.ts';

const bytes = orNull(number);

/** The events of streams. */
export const LIVE_SCHEMAS = {
  VmEvent: object({
    seq: described(string, 'Its number within the account, without gaps, in decimal: also the id of the event.'),
    kind: oneOf(
      VM_EVENT_KINDS,
      'SNAPSHOT: the state when the stream starts. PROGRESS: of a boot, not replayed. DELETED: the last of a VM. ' +
        'SNAPSHOT_END and REPLAY_END, which are of no VM: the client knows everything until here; live events follow.',
    ),
    vmid: described(uuid, 'The VM; the nil UUID in SNAPSHOT_END and REPLAY_END.'),
    status: described(ref('VmStatus'), 'After this event; UNKNOWN in SNAPSHOT_END and REPLAY_END.'),
    previous_status: described(orNull(ref('VmStatus')), 'Before this event; null if there was none.'),
    reason: {
      type: ['string', 'null'],
      enum: [...EVENT_REASONS, null],
      description: 'The cause; null for SNAPSHOT, PROGRESS, SNAPSHOT_END and REPLAY_END.',
    },
    note: described(orNull(string), 'Why, in the words of the operator who changed the VM; null if none did.'),
    at: described(dateTime, 'When it was committed, or sent.'),
    progress: described(orNull(ref('VmProgress')), 'Null unless the VM is booting.'),
    vm: described(
      orNull(ref('VmDetails')),
      'The VM when the event is sent, which may be newer than `status`; null if there is none.',
    ),
  }),
  VmProgress: object({
    percent: from(0, 100, 'Of the download of the image.'),
    message: string,
    bytes_done: described(bytes, 'Null without a download.'),
    bytes_total: described(bytes, 'As far as known; null without a download.'),
  }),
  LogLine: object({
    at: described(dateTime, 'When it was written, by the clock of the engine.'),
    stream: oneOf(
      ['stdout', 'stderr', 'gateway'],
      'Where it was written; "gateway" for a line that says how many were left out.',
    ),
    text: described(string, 'The line without its line break, truncated to 16 KiB.'),
    cursor: described(string, 'With `after` or `Last-Event-ID`, a stream goes on behind this line.'),
  }),
  VmStats: object({
    at: dateTime,
    cpu_percent: described(number, '100 is one full core.'),
    memory_bytes: described(number, 'Without reclaimable cache.'),
    memory_limit_bytes: number,
    network_rx_bytes: described(number, 'Received since the container started.'),
    network_tx_bytes: described(number, 'Sent since the container started.'),
  }),
};
