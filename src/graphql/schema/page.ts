import { badInput } from '../../errors.ts';
import { builder } from './builder.ts';

export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 50;

export interface PageInfoModel {
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
      description: 'Whether there are more nodes: query them with `after: endCursor`.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'Whether the page was queried with a cursor.' }),
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

/** The number of nodes a page may have, for its complexity. */
export function pageSize(first: number | null | undefined): number {
  return Math.min(Math.max(first ?? DEFAULT_PAGE, 1), MAX_PAGE);
}

/** Validates the requested page size; throws BAD_USER_INPUT. */
export function parsePageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE;
  if (size < 1 || size > MAX_PAGE) throw badInput([{ path: 'first', message: `must be from 1 to ${MAX_PAGE}.` }]);
  return size;
}

/** The page info of nodes with these cursors, queried with the number `after`. */
export function toPageInfo(
  cursors: readonly string[],
  page: { hasNextPage: boolean; after: number | undefined },
): PageInfoModel {
  return {
    hasNextPage: page.hasNextPage,
    hasPreviousPage: page.after !== undefined,
    startCursor: cursors[0] ?? null,
    endCursor: cursors.at(-1) ?? null,
  };
}

/** Opaque to clients, so the order can change. */
export function toCursor(list: string, { number }: { readonly number: number }): string {
  return Buffer.from(`${list}:${number}`).toString('base64url');
}

/** The number in a cursor of this list; undefined without a cursor. Throws BAD_USER_INPUT for any other value. */
export function fromCursor(list: string, cursor: string | null | undefined): number | undefined {
  if (cursor == null) return undefined;
  const [, name, number] = /^([a-z]+):(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (name !== list || number === undefined)
    throw badInput([{ path: 'after', message: 'is not a cursor of this list.' }]);
  return Number(number);
}
