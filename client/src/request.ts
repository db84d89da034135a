import type { SwiftorClientOptions } from './options.ts';
import { SwiftorError, toSwiftorError, type GraphqlError } from './swiftor-error.ts';

/**
 * A document that knows the types of its result and variables: of `graphql` in this package, of gql.tada, or of
 * GraphQL Code Generator (TypedDocumentNode and TypedDocumentString).
 */
export interface TypedDocument<Result, Variables> {
  readonly __apiType?: (variables: Variables) => Result;
}

const ANSWER_WITHIN_MS = 30_000;

/** Sends a query or mutation, once. Rejects with a SwiftorError, or with the signal's reason. */
export async function sendRequest<Result>(
  { url, token }: SwiftorClientOptions,
  document: unknown,
  variables: unknown,
  signal: AbortSignal = new AbortController().signal,
): Promise<Result> {
  const value = await token();
  if (!value) throw new SwiftorError('UNAUTHENTICATED', 'There is no token: nobody is signed in.');
  let answer: { readonly data?: Result | null; readonly errors?: readonly GraphqlError[] };
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${value}`, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: textOf(document), variables }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    signal.throwIfAborted();
    throw new SwiftorError('UNREACHABLE', 'The gateway has not answered.', { cause });
  }
  if (answer.data == null || answer.errors !== undefined) throw toSwiftorError(answer.errors ?? []);
  return answer.data;
}

/** The text of a document: a node has the one that it was parsed from, everything else is a text. */
export function textOf(document: unknown): string {
  const { loc } = document as { readonly loc?: { readonly source?: { readonly body?: string } } };
  return loc?.source?.body ?? String(document);
}
