/** Server-sent events, with an EventSource that can send a token. Prints the VMs whenever they change. */
import { EventSource } from 'eventsource';

interface Vm {
  readonly vmlabel: string;
  readonly status: string;
}
interface VmEvent {
  readonly kind: string;
  readonly vmId: string;
  readonly vm: Vm | null;
}

const url = process.env['GATEWAY_URL'] ?? 'http://localhost:4000';
const getToken = async (): Promise<string> => process.env['TOKEN'] ?? '';

const query = 'subscription { vmEvents(markers: true) { kind vmId vm { vmlabel status } } }';
const source = new EventSource(`${url}/graphql?${new URLSearchParams({ query }).toString()}`, {
  // The browser's own EventSource sends no headers; the package of this name takes a fetch.
  fetch: async (input, init) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${await getToken()}`);
    return fetch(input, { ...init, headers });
  },
});

const vms = new Map<string, Vm>();
let isLoading = true;
// It reconnects on its own and sends the id of the last event, which is its seq, so no event is missed.
source.addEventListener('next', ({ data }) => {
  const { vmEvents: event } = (JSON.parse(String(data)) as { data: { vmEvents: VmEvent } }).data;
  const { kind, vmId, vm } = event;
  // Snapshots later on mean that the gateway no longer stores what was missed.
  if (kind.startsWith('SNAPSHOT') && !isLoading) vms.clear();
  if (kind === 'SNAPSHOT') isLoading = true;
  if (kind === 'SNAPSHOT_END' || kind === 'REPLAY_END') isLoading = false;
  if (kind === 'DELETED') vms.delete(vmId);
  if (vm !== null) vms.set(vmId, vm);
  if (isLoading) return;
  const lines = [...vms.values()].map(({ vmlabel, status }) => `${vmlabel} ${status}`);
  process.stdout.write(`${lines.join(', ') || 'none'}\n`);
});
// While it waits to connect again, nothing else keeps Node running.
setInterval(() => undefined, 60_000);
