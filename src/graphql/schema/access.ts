import type { AccessRole as Role, ListedAccess } from '../../vm/access/vm-access.ts';
import {
  createOpenLink,
  endAccess,
  openVm,
  shareVm,
  type OpenLink as OpenLinkModel,
} from '../../vm/commands/vm-access.ts';
import { builder } from './builder.ts';
import { Vm } from './vm/vm.ts';
import { withSelection } from './vm/vm-selection.ts';

const AccessRole = builder.enumType('AccessRole', {
  description: 'What the holder of an access may do.',
  values: {
    CONTROL: { description: 'Everything that the app offers.' },
    VIEW: {
      description:
        'Look on and listen: keys, pointer and clipboard reach nothing, which the app itself enforces. Only for ' +
        'apps that can, such as the desktops that the gateway builds.',
    },
  } as const satisfies Record<Role, object>,
});

const OpenLink = builder.objectRef<OpenLinkModel>('OpenLink').implement({
  description: 'A link that gives one browser access to an address of a VM. It works once.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'The link. Whoever opens it first gets the access.' }),
    linkUntil: t.field({
      type: 'DateTime',
      description: 'When the link stops working.',
      resolve: ({ linkUntil }) => linkUntil,
    }),
    accessUntil: t.field({
      type: 'DateTime',
      description: 'When the access ends that it gives, with all that runs by it.',
      resolve: ({ accessUntil }) => accessUntil,
    }),
  }),
});

const OpenAccess = builder.objectRef<ListedAccess>('OpenAccess').implement({
  description: 'Who may open a VM: a browser that came with a link, or a link for somebody else that is not used yet.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id, for endAccess.' }),
    role: t.field({ type: AccessRole, description: 'What its holder may do.', resolve: ({ role }) => role }),
    name: t.exposeString('name', {
      nullable: true,
      description: "The mapping that it opens; null for the VM's own address.",
    }),
    isGuest: t.exposeBoolean('isGuest', { description: 'Whether it is from shareVm.' }),
    since: t.field({
      type: 'DateTime',
      description: 'When the link was made.',
      resolve: ({ createdAt }) => createdAt,
    }),
    openedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the link was used; null if it was not used yet.',
      resolve: ({ openedAt }) => openedAt,
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The IP address of the client that used the link; null if it was not used yet.',
    }),
    until: t.field({ type: 'DateTime', description: 'When it ends.', resolve: ({ until }) => until }),
  }),
});

builder.objectField(Vm, 'openAccess', (t) =>
  t.field({
    type: [OpenAccess],
    description: 'Who may open it now, and the unused links of shareVm; newest first, at most 200.',
    // Few, as a rule.
    complexity: { field: 1, multiplier: 5 },
    resolve: ({ id }, _args, { loaders }) => loaders.accesses(id),
  }),
);

builder.mutationFields((t) => ({
  createOpenLink: t.string({
    description:
      'Creates a one-time link, valid for 60 seconds, that gives a browser access to an address of the VM ' +
      'until your token expires. Its holder is signed in to the app (see openVm). ' +
      'Works whether the VM is on or off. Errors: NOT_FOUND if there is no such VM or name; CONFLICT as openVm.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ required: false, description: "A mapping's name; by default, the VM's own address." }),
    },
    resolve: (_root, { vmId, name }, context) =>
      createOpenLink(context, context.viewer, { vmId, name: name ?? undefined }),
  }),
  openVm: t.field({
    type: OpenLink,
    description:
      'Creates a one-time link, valid for 60 seconds, that opens an address of the VM in your own browser. The ' +
      'access outlives your token. Works whether the VM is on or off. Errors: BAD_USER_INPUT for an invalid ' +
      'duration, NOT_FOUND if there is no such VM or name, CONFLICT while the VM is being deleted, and above 200 ' +
      'links and accesses per VM or 2,000 per account.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ required: false, description: "A mapping's name; by default, the VM's own address." }),
      accessFor: t.arg.string({
        required: false,
        defaultValue: '12h',
        description: "How long the access lasts: 90s, 15m, 12h or 2d, and at most the gateway's OPEN_ACCESS_MAX.",
      }),
      signIn: t.arg.boolean({
        required: false,
        defaultValue: true,
        description:
          'Whether the gateway signs the browser in to the app, if the catalog says how. The browser never gets the ' +
          'password.',
      }),
    },
    resolve: (_root, { vmId, name, accessFor, signIn }, context) =>
      openVm(
        context,
        context.viewer,
        { vmId, name: name ?? undefined },
        { accessFor: accessFor ?? '12h', signsIn: signIn ?? true },
      ),
  }),
  shareVm: t.field({
    type: OpenLink,
    description:
      'Creates a link that opens an address of the VM for somebody else, signed in to the app. It works once: make ' +
      'one for each person. It is listed in `Vm.openAccess` and withdrawn by endAccess. Its holder can neither start ' +
      'the VM nor use the API. Errors: as openVm; CONFLICT for the role VIEW if the app cannot tell viewers apart, or ' +
      'if the VM has not been started yet.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      name: t.arg.string({ required: false, description: "A mapping's name; by default, the VM's own address." }),
      role: t.arg({ type: AccessRole, description: 'What its holder may do.' }),
      for: t.arg.string({
        description:
          "How long link and access last, from now: 90s, 15m, 12h or 2d, and at most the gateway's OPEN_ACCESS_MAX.",
      }),
    },
    resolve: (_root, { vmId, name, role, for: lasts }, context) =>
      shareVm(context, context.viewer, { vmId, name: name ?? undefined }, { role, lasts }),
  }),
  endAccess: t.field({
    type: Vm,
    description:
      'Ends an access to the VM, or withdraws an unused link, within a second on all gateways: requests, WebSockets ' +
      'and terminals are cut. Errors: NOT_FOUND if there is no such VM or access.',
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      accessId: t.arg.id({
        required: false,
        description: 'One of `Vm.openAccess`; by default all, including your own.',
      }),
    },
    resolve: (_root, { vmId, accessId }, context, info) =>
      endAccess(withSelection(context, info), context.viewer, vmId, accessId ?? undefined),
  }),
}));
