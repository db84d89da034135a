import type { TestGateway } from '../gateway/gateway.ts';

export interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly retryAfterSeconds?: number };
  }[];
}

/** Posts a body to /graphql: a text as it is, anything else as JSON. */
export function postGraphql(
  gateway: TestGateway,
  token: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
  });
}

export async function answerOf(response: Promise<Response>): Promise<GraphqlAnswer> {
  return (await (await response).json()) as GraphqlAnswer;
}

/** The code of the first error. */
export function codeOf({ errors }: GraphqlAnswer): string | undefined {
  return errors?.[0]?.extensions.code;
}
