/**
 * Prints every change of an account's VMs, and resumes after a cut without missing one.
 *
 *     TOKEN=$(npm run --silent token -- --user alice) node examples/subscribe.ts
 */
import { createClient } from 'graphql-ws';

interface VmEvents {
  readonly vmEvents: { readonly seq: string; readonly kind: string; readonly vmId: string; readonly status: string };
}

const url = process.env['GATEWAY_URL'] ?? 'ws://localhost:4000/graphql';
const client = createClient({
  url,
  connectionParams: { authorization: `Bearer ${process.env['TOKEN'] ?? ''}` },
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

/** Where a new connection goes on: the client asks for the variables each time that it subscribes. */
let after: string | undefined;
const variables = {
  get after() {
    return after;
  },
};
const query = 'subscription ($after: String) { vmEvents(after: $after, markers: true) { seq kind vmId status } }';

for await (const { data, errors } of client.iterate<VmEvents>({ query, variables })) {
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join(' '));
  if (data == null) continue;
  const { seq, kind, vmId, status } = data.vmEvents;
  // A stream that broke between two snapshots cannot resume there: they are sent again.
  if (kind !== 'SNAPSHOT') after = seq;
  process.stdout.write(`${seq} ${kind} ${vmId} ${status}\n`);
}
