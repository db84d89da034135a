import { badInput } from '../../errors.ts';
import type { Page, PageRequest } from '../../lib/page.ts';
import { builder } from './builder.ts';

export const MAX_PAGE = 100;
const DEFAULT_PAGE = 50;

/** A page with the request for it. */
export interface RequestedPage<T> extends Page<T> {
  readonly request: PageRequest;
}

interface PageInfoModel {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** Shared by all connections. */
export const PageInfo = builder.objectRef<PageInfoModel>('PageInfo').implement({
  description: 'The position of a page in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description:
        'Whether there are more nodes: query them with `after: endCursor`. Of a page that was queried with `last`: ' +
        'whether it was queried with `before`.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description:
        'Whether the page was queried with `after`. Of a page that was queried with `last`: whether there are more ' +
        'nodes before it; query them with `before: startCursor`.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: "The first node's cursor; null on an empty page.",
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: "The last node's cursor; null on an empty page.",
    }),
  }),
});

/** The arguments of all connections. */
export const pageArgs = builder.args((t) => ({
  first: t.int({
    required: false,
    defaultValue: DEFAULT_PAGE,
    description: 'The number of nodes from the beginning, 1 to 100. Without effect if there is a `last`.',
  }),
  after: t.string({ required: false, description: 'Only nodes that follow this cursor.' }),
  last: t.int({ required: false, description: 'The number of nodes from the end, 1 to 100.' }),
  before: t.string({ required: false, description: 'Only nodes that precede this cursor.' }),
}));

interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** The number of nodes a page may have, for its complexity. */
export function pageSize({ first, last }: PageArgs): number {
  return Math.min(Math.max(last ?? first ?? DEFAULT_PAGE, 1), MAX_PAGE);
}

/** Validates the arguments of a connection over this list; throws BAD_USER_INPUT. */
export function parsePage(list: string, { first, after, last, before }: PageArgs): PageRequest {
  const fromEnd = last != null;
  const size = last ?? first ?? DEFAULT_PAGE;
  if (size < 1 || size > MAX_PAGE)
    throw badInput([{ path: fromEnd ? 'last' : 'first', message: `must be from 1 to ${MAX_PAGE}.` }]);
  return { size, fromEnd, after: fromCursor(list, 'after', after), before: fromCursor(list, 'before', before) };
}

/** The page info of a page with these cursors. */
export function toPageInfo(cursors: readonly string[], { request, hasMore }: RequestedPage<unknown>): PageInfoModel {
  const { fromEnd, after, before } = request;
  return {
    hasNextPage: fromEnd ? before !== undefined : hasMore,
    hasPreviousPage: fromEnd ? hasMore : after !== undefined,
    startCursor: cursors[0] ?? null,
    endCursor: cursors.at(-1) ?? null,
  };
}

/** Opaque to clients, so the order can change. */
export function toCursor(list: string, { number }: { readonly number: number }): string {
  return Buffer.from(`${list}:${number}`).toString('base64url');
}

/** The number in a cursor of this list; undefined without a cursor. Throws BAD_USER_INPUT for any other value. */
function fromCursor(list: string, path: string, cursor: string | null | undefined): number | undefined {
  if (cursor == null) return undefined;
  const [, name, number] = /^([a-z]+):(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (name !== list || number === undefined) throw badInput([{ path, message: 'is not a cursor of this list.' }]);
  return Number(number);
}
