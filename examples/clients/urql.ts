/** urql with its normalised cache, Graphcache. Prints the VMs whenever they change. */
import { createClient as createUrql, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange, type Cache } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
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

const VMS = gql<{ vms: { edges: { node: Vm }[] } }, { after?: string }>`
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
const VM_EVENTS = gql<{ vmEvents: VmEvent }, { after: string }>`
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

function readListsAgain(cache: Cache): void {
  for (const { fieldName, fieldKey } of cache.inspectFields('Query'))
    if (fieldName === 'vms') cache.invalidate('Query', fieldKey);
}

const normalisedCache = cacheExchange({
  // Objects without an id are kept within the object that has them.
  keys: { VmEvent: () => null, VmOs: () => null, VmSpecs: () => null, VmProgress: () => null, VmFailure: () => null },
  resolvers: {
    Query: {
      vms: relayPagination(),
      // A VM that some list has brought needs no request.
      vm: (_parent, { id }) => ({ __typename: 'Vm', id: String(id) }),
    },
  },
  updates: {
    Subscription: {
      vmEvents(result, _args, cache) {
        const { kind, deletedVmId } = result['vmEvents'] as unknown as VmEvent;
        if (deletedVmId !== null) cache.invalidate({ __typename: 'Vm', id: deletedVmId });
        // A new VM, or a gateway that no longer stores what was missed.
        if (kind === 'CREATED' || kind === 'DELETED' || kind === 'SNAPSHOT_END') readListsAgain(cache);
      },
    },
  },
});

const socket = createClient({
  url: `${url.replace(/^http/, 'ws')}/graphql`,
  connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
});
// graphql-ws asks for the variables each time that it subscribes: after a cut it goes on where it was.
const live = subscriptionExchange({
  forwardSubscription: ({ query = '', variables: first }) => ({
    subscribe(sink) {
      let after: unknown = first?.['after'];
      const variables = {
        ...first,
        get after() {
          return after;
        },
      };
      const unsubscribe = socket.subscribe<{ vmEvents?: VmEvent }>(
        { query, variables },
        {
          next(result) {
            const event = result.data?.vmEvents;
            if (event !== undefined && event.kind !== 'SNAPSHOT') after = event.seq;
            sink.next(result as Parameters<typeof sink.next>[0]);
          },
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        },
      );
      return { unsubscribe };
    },
  }),
});
const client = createUrql({
  url: `${url}/graphql`,
  exchanges: [normalisedCache, fetchExchange, live],
  preferGetMethod: false,
  fetch: async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${await getToken()}`);
    return fetch(input, { ...init, headers });
  },
});

client.query(VMS, {}).subscribe(({ data, stale }) => {
  if (data === undefined || stale) return;
  const lines = data.vms.edges.map(({ node }) => `${node.vmlabel} ${node.status}`);
  process.stdout.write(`${lines.join(', ') || 'none'}\n`);
});

// The list is as of its newest VM: the events after that bring it up to date.
const { data } = await client.query(VMS, {}).toPromise();
const seqs = data?.vms.edges.map(({ node }) => Number(node.lastEventSeq)) ?? [];
client.subscription(VM_EVENTS, { after: String(Math.max(0, ...seqs)) }).subscribe(({ error }) => {
  if (error !== undefined) process.stderr.write(`${error.message}\n`);
});
