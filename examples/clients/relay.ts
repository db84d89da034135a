/** Relay's store: objects of all types by their ids, lists as connections. Prints the VMs whenever they change. */
import { createClient } from 'graphql-ws';
import {
  ConnectionHandler,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  ROOT_TYPE,
  Store,
  type GraphQLResponse,
} from 'relay-runtime';
import vmEventsSubscription, {
  type documentsVmEventsSubscription as VmEventsSubscription,
} from './relay/__generated__/documentsVmEventsSubscription.graphql.ts';
import vmsQuery, { type documentsVmsQuery as VmsQuery } from './relay/__generated__/documentsVmsQuery.graphql.ts';

const url = process.env['GATEWAY_URL'] ?? 'http://localhost:4000';
const getToken = async (): Promise<string> => process.env['TOKEN'] ?? '';

const socket = createClient({
  url: `${url.replace(/^http/, 'ws')}/graphql`,
  connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

const network = Network.create(
  async ({ text }, variables) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await getToken()}` },
      body: JSON.stringify({ query: text, variables }),
    });
    return (await response.json()) as GraphQLResponse;
  },
  // graphql-ws asks for the variables each time that it subscribes: after a cut it goes on where it was.
  ({ text }, first) =>
    Observable.create<GraphQLResponse>((sink) => {
      let after: unknown = first['after'];
      const variables = {
        ...first,
        get after() {
          return after;
        },
      };
      return socket.subscribe<{ vmEvents?: { kind: string; seq: string } }>(
        { query: text ?? '', variables },
        {
          next(result) {
            const event = result.data?.vmEvents;
            if (event !== undefined && event.kind !== 'SNAPSHOT') after = event.seq;
            sink.next(result as GraphQLResponse);
          },
          error: (error) => sink.error(error as Error),
          complete: () => sink.complete(),
        },
      );
    }),
);

const environment = new Environment({
  network,
  store: new Store(new RecordSource()),
  missingFieldHandlers: [
    {
      kind: 'linked',
      // What some list has brought needs no request.
      handle: (field, record, args) =>
        record?.getType() === ROOT_TYPE && ['vm', 'node'].includes(field.name) ? args['id'] : undefined,
    },
  ],
});

const operation = createOperationDescriptor(vmsQuery, {});
environment.retain(operation);
const print = (): void => {
  const { vms } = environment.lookup(operation.fragment).data as VmsQuery['response'];
  // A record that @deleteRecord took away leaves an edge without a node.
  const nodes = vms.edges.flatMap(({ node }) => node ?? []);
  const lines = nodes.map(({ vmlabel, status }) => `${vmlabel} ${status}`);
  process.stdout.write(`${lines.join(', ') || 'none'}\n`);
};
const readList = (): Promise<VmsQuery['response'] | undefined> =>
  fetchQuery<VmsQuery>(environment, vmsQuery, {}, { fetchPolicy: 'network-only' }).toPromise();

// The list is as of its newest VM: the events after that bring it up to date.
const list = await readList();
print();
environment.subscribe(environment.lookup(operation.fragment), print);
const seqs = list?.vms.edges.map(({ node }) => Number(node.lastEventSeq)) ?? [];
requestSubscription<VmEventsSubscription>(environment, {
  subscription: vmEventsSubscription,
  variables: { after: String(Math.max(0, ...seqs)) },
  updater(store, response) {
    if (response?.vmEvents.kind !== 'CREATED') return;
    const vm = store.getRootField('vmEvents').getLinkedRecord('vm');
    const connection = ConnectionHandler.getConnection(store.getRoot(), 'documents_vms');
    if (vm == null || connection == null) return;
    const known = connection.getLinkedRecords('edges')?.map((edge) => edge.getLinkedRecord('node')?.getDataID());
    if (known?.includes(vm.getDataID())) return;
    ConnectionHandler.insertEdgeAfter(connection, ConnectionHandler.createEdge(store, connection, vm, 'VmEdge'));
  },
  onNext(response) {
    // The gateway no longer stores what was missed: the list is read again.
    if (response?.vmEvents.kind === 'SNAPSHOT_END') void readList();
  },
  onError: (error) => process.stderr.write(`${String(error)}\n`),
});
