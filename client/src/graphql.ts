import type { initGraphQLTada, ResultOf, VariablesOf } from 'gql.tada';
import type { introspection } from './schema.d.ts';

type Graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string };
  disableMasking: true;
}>;

/** A comment line between a document and its fragments, to tell them apart again. */
const SEPARATOR = '\n#\n';

/**
 * Marks the text of a document or fragment for `request`: the compiler reads from the schema what it returns. A
 * document names the fragments that it spreads. At run time it is its text.
 */
export const graphql = ((text: string, fragments: readonly unknown[] = []) =>
  // Fragments that share a fragment bring it twice, which is not allowed.
  [...new Set([text, ...fragments].flatMap((each) => String(each).split(SEPARATOR)))].join(
    SEPARATOR,
  )) as unknown as Graphql;

export type { ResultOf, VariablesOf };
