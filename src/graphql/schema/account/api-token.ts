import type { TokenScope as Scope } from '../../../audit/viewer.ts';
import type { ApiToken as Model } from '../../../auth/api-tokens/api-token.ts';
import { createApiToken, revokeApiToken } from '../../../auth/api-tokens/api-token-commands.ts';
import { listApiTokens } from '../../../auth/api-tokens/api-token-store.ts';
import { requireScope } from '../../../auth/require-scope.ts';
import { Account } from './account.ts';
import { builder } from '../builder.ts';

const descriptions = {
  READ: { description: 'Queries and subscriptions, without the values of secrets.' },
  OPERATE: { description: 'Also every change of VMs and what belongs to them, and the values of secrets.' },
  ADMIN: { description: 'Everything on the account: also its API tokens.' },
} as const satisfies Record<Scope, object>;

const TokenScope = builder.enumType('TokenScope', { description: 'What an API token allows.', values: descriptions });

const ApiToken = builder.objectRef<Model>('ApiToken').implement({
  description: 'A token for programs. Only a hash of it is stored.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A UUID, for revokeApiToken.' }),
    name: t.exposeString('name', { description: 'What it is for.' }),
    scope: t.field({ type: TokenScope, description: 'What it allows.', resolve: ({ scope }) => scope }),
    serviceAccount: t.exposeString('serviceAccount', {
      nullable: true,
      description: "The service account whose token it is; null for the user's own.",
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: ({ createdAt }) => createdAt,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it stops working. It stays in the list for another 30 days.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was last sent, to some seconds; null if it never was.',
      resolve: ({ lastUsedAt }) => lastUsedAt,
    }),
  }),
});

const NewApiToken = builder.objectRef<{ readonly token: string; readonly apiToken: Model }>('NewApiToken');
NewApiToken.implement({
  description: 'A new API token.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'The token itself, `swt_…`. It cannot be read again.' }),
    apiToken: t.field({
      type: ApiToken,
      description: 'The token as `Account.apiTokens` lists it.',
      resolve: ({ apiToken }) => apiToken,
    }),
  }),
});

const CreateApiTokenInput = builder.inputType('CreateApiTokenInput', {
  description: 'An API token to create.',
  fields: (t) => ({
    name: t.string({ description: 'What it is for, 1 to 100 characters on one line.' }),
    scope: t.field({ type: TokenScope, description: 'What it allows.' }),
    expiresIn: t.string({
      required: false,
      defaultValue: '90d',
      description: 'How long it works: a duration such as 12h or 90d, at most 3650d.',
    }),
    serviceAccount: t.string({
      required: false,
      description:
        'The name of a service account, 1 to 40 lower-case letters, digits and hyphens: a program that works on the ' +
        "account's VMs. The audit names it as `service:NAME`. By default, the token is the user's own.",
    }),
  }),
});

builder.objectField(Account, 'apiTokens', (t) =>
  t.field({
    type: [ApiToken],
    description: 'Its API tokens, newest first. Errors: FORBIDDEN for an API token without the scope ADMIN.',
    resolve: ({ userId }, _args, { db, viewer }) => {
      requireScope(viewer, 'ADMIN');
      return listApiTokens(db, userId);
    },
  }),
);

builder.mutationFields((t) => ({
  createApiToken: t.field({
    type: NewApiToken,
    description:
      'Creates an API token, which REST, GraphQL and WebSockets take as `Authorization: Bearer swt_…`. It has the ' +
      "account's stored plan, and never the operator's role. Errors: FORBIDDEN for an API token without the scope " +
      'ADMIN, BAD_USER_INPUT, CONFLICT while the account has 100 tokens that have not expired.',
    args: { input: t.arg({ type: CreateApiTokenInput, description: 'The token.' }) },
    resolve(_root, { input: { expiresIn, ...input } }, context) {
      requireScope(context.viewer, 'ADMIN');
      return createApiToken(context, context.viewer, { ...input, expiresIn: expiresIn ?? '90d' });
    },
  }),
  revokeApiToken: t.field({
    type: 'ID',
    description:
      'Revokes an API token. Within a second its sockets and event streams end on every gateway, and so do the ' +
      'accesses to VMs whose links were made with it. Errors: FORBIDDEN for an API token without the scope ADMIN, ' +
      'NOT_FOUND.',
    args: { id: t.arg.id({ description: 'The `id` of the token.' }) },
    resolve(_root, { id }, { db, viewer }) {
      requireScope(viewer, 'ADMIN');
      return revokeApiToken(db, viewer, id);
    },
  }),
}));
