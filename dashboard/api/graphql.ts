import type { initGraphQLTada, ResultOf, VariablesOf } from 'gql.tada';
import type { introspection } from './schema.d.ts';

type Graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string };
  disableMasking: true;
}>;

/**
 * Marks the text of a document or fragment, whose result the compiler reads from the schema. A document names the
 * fragments that it uses. At run time it is only its text, on one line: the same as in the file of operations that the
 * build writes, wherever it comes from.
 */
export const graphql = ((text: string, fragments: readonly unknown[] = []) =>
  [text, ...fragments].join(' ').replaceAll(/\s+/g, ' ').trim()) as unknown as Graphql;

/** What `graphql` makes. */
export type Document<Result, Variables> = { readonly __result?: Result; readonly __variables?: Variables };

/** The text of a document, as it is sent. */
export function textOf(document: unknown): string {
  return String(document);
}

export type { ResultOf, VariablesOf };
