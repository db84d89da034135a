/** Apollo Client: a normalised cache that the event stream keeps up to date. Prints the VMs whenever they change. */
import {
  ApolloClient,
  ApolloLink,
  gql,
  HttpLink,
  InMemoryCache,
  Observable,
  type TypedDocumentNode,
} from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode, print } from 'graphql';
import { createClient } from 'graphql-ws';

interface Vm {
  readonly id: string;
  readonly vmlabel: string;
  readonly status: string;
  readonly lastEventSeq: string;
}
interface VmEvent {
  readonly seq: string;
  readonly kind: string;
  readonly deletedVmId: string | null;
}

const url = process.env['GATEWAY_URL'] ?? 'http://localhost:4000';
const getToken = async (): Promise<string> => process.env['TOKEN'] ?? '';

const VMS: TypedDocumentNode<{ vms: { edges: { node: Vm }[] } }> = gql`
  query Vms($after: String) {
    vms(first: 100, after: $after) {
      edges {
        node {
          id
          vmlabel
          status
          lastEventSeq
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;
const VM_EVENTS: TypedDocumentNode<{ vmEvents: VmEvent }, { after: string }> = gql`
  subscription VmEvents($after: String) {
    vmEvents(after: $after, markers: true) {
      seq
      kind
      deletedVmId
      vm {
        id
        vmlabel
        status
        lastEventSeq
      }
    }
  }
`;

// Everything with an id is kept once, as type and id: an event that brings a VM updates it wherever it is shown.
const cache = new InMemoryCache({
  typePolicies: {
    Query: {
      fields: {
        // Pages of one list; by filter, if there are several.
        vms: relayStylePagination(['filter']),
        // A VM that some list has brought needs no request.
        vm: { read: (known, { args, toReference }) => known ?? toReference({ __typename: 'Vm', id: args?.['id'] }) },
      },
    },
    // Parts without an id: two queries for different fields of them add up.
    Usage: { merge: true },
    VmOs: { merge: true },
    VmSpecs: { merge: true },
  },
});

const http = new HttpLink({
  uri: `${url}/graphql`,
  fetch: async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${await getToken()}`);
    return fetch(input, { ...init, headers });
  },
});
const socket = createClient({
  url: `${url.replace(/^http/, 'ws')}/graphql`,
  connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});
// graphql-ws asks for the variables each time that it subscribes: after a cut it goes on where it was.
const live = new ApolloLink(
  (operation) =>
    new Observable((observer) => {
      let after: unknown = operation.variables['after'];
      const variables = {
        ...operation.variables,
        get after() {
          return after;
        },
      };
      return socket.subscribe<{ vmEvents?: VmEvent }>(
        { query: print(operation.query), variables },
        {
          next(result) {
            const event = result.data?.vmEvents;
            if (event !== undefined && event.kind !== 'SNAPSHOT') after = event.seq;
            observer.next(result as ApolloLink.Result);
          },
          error: (error) => observer.error(error),
          complete: () => observer.complete(),
        },
      );
    }),
);
const link = ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, live, http);
const client = new ApolloClient({ cache, link });

// The list is as of its newest VM: the events after that bring it up to date.
const { data } = await client.query({ query: VMS });
const seqs = data?.vms.edges.map(({ node }) => Number(node.lastEventSeq)) ?? [];
const list = client.watchQuery({ query: VMS });
list.subscribe(({ data: shown, dataState }) => {
  if (dataState !== 'complete') return;
  const lines = shown.vms.edges.map(({ node }) => `${node.vmlabel} ${node.status}`);
  process.stdout.write(`${lines.join(', ') || 'none'}\n`);
});
client.subscribe({ query: VM_EVENTS, variables: { after: String(Math.max(0, ...seqs)) } }).subscribe({
  next({ data: event }) {
    const { kind, deletedVmId } = event?.vmEvents ?? {};
    if (deletedVmId != null) {
      cache.evict({ id: cache.identify({ __typename: 'Vm', id: deletedVmId }) ?? '' });
      cache.gc();
    }
    // A new VM, or a gateway that no longer stores what was missed: the list is read again.
    if (kind === 'CREATED' || kind === 'SNAPSHOT_END') void list.refetch();
  },
  error: (error) => process.stderr.write(`${String(error)}\n`),
});
