import { builder } from '../builder.ts';
import { pageArgs, PageInfo, pageSize, parsePage, toCursor, toPageInfo, type RequestedPage } from '../page.ts';
import { VmEvent, type EventOfVm } from './vm-event.ts';
import { Vm } from './vm.ts';

const cursorOf = ({ seq }: EventOfVm): string => toCursor('event', { number: seq });

const VmEventEdge = builder.objectRef<EventOfVm>('VmEventEdge').implement({
  description: 'An event and its cursor.',
  fields: (t) => ({
    cursor: t.string({ description: 'The cursor, for `after`.', resolve: cursorOf }),
    node: t.field({ type: VmEvent, description: 'The event.', resolve: (event) => event }),
  }),
});

const VmEventConnection = builder.objectRef<RequestedPage<EventOfVm>>('VmEventConnection').implement({
  description: 'A page of the events of a VM, newest first.',
  fields: (t) => ({
    // Already counted by the page size.
    nodes: t.field({
      type: [VmEvent],
      complexity: { field: 1, multiplier: 1 },
      description: 'The events.',
      resolve: ({ items }) => [...items],
    }),
    edges: t.field({
      type: [VmEventEdge],
      complexity: { field: 1, multiplier: 1 },
      description: 'The events with their cursors.',
      resolve: ({ items }) => [...items],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page; the next one is older.',
      resolve: (page) => toPageInfo(page.items.map(cursorOf), page),
    }),
  }),
});

builder.objectField(Vm, 'events', (t) =>
  t.field({
    type: VmEventConnection,
    description:
      'What has happened to it, newest first: its changes of the last 7 days, at most the last 10,000 of the ' +
      'account. ' +
      '`vmEvents` has the next ones. Errors: BAD_USER_INPUT for an invalid page size or cursor.',
    complexity: (args) => ({ field: 1, multiplier: pageSize(args) }),
    args: pageArgs,
    resolve: async (vm, args, { loaders }): Promise<RequestedPage<EventOfVm>> => {
      const request = parsePage('event', args);
      const { items, hasMore } = await loaders.events(vm.id, request);
      return { items: items.map((event) => ({ ...event, vm })), hasMore, request };
    },
  }),
);
