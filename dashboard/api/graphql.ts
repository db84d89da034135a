import type { initGraphQLTada, ResultOf, VariablesOf } from 'gql.tada';
import type { introspection } from './schema.d.ts';

type Graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string };
  disableMasking: true;
}>;

/**
 * Marks the text of a document or fragment, whose result the compiler reads from the schema. A document names the
 * fragments that it uses. At run time it is only its text.
 */
export const graphql = ((text: string, fragments: readonly unknown[] = []) =>
  [text, ...fragments].join('\n')) as unknown as Graphql;

/** What `graphql` makes. */
export type Document<Result, Variables> = { readonly __result?: Result; readonly __variables?: Variables };

/** The text of a document, as it is sent. */
export function textOf(document: unknown): string {
  return String(document);
}

export type { ResultOf, VariablesOf };
