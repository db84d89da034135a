import type { ApiRequest } from '../workload/operations.ts';

/** What a gateway made of a request. */
export type Answer =
  | { readonly kind: 'done'; readonly data: unknown }
  | { readonly kind: 'refused'; readonly code: string }
  /** UNAVAILABLE: it may have been executed all the same. */
  | { readonly kind: 'unavailable' }
  /** Nothing came, or not in time; it may have been executed. */
  | { readonly kind: 'silent'; readonly why: string }
  /** Anything that a gateway must never answer. */
  | { readonly kind: 'wrong'; readonly why: string };

const MILLISECONDS = 20_000;

/** Sends a request of either API to the gateway at `url`; never rejects. */
export async function callApi(url: string, token: string, { method, path, body }: ApiRequest): Promise<Answer> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(MILLISECONDS),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { kind: 'silent', why: cause instanceof Error ? cause.message : String(cause) };
  }
  return judge(path, response.status, text);
}

/** Reads an answer of either API. */
export function judge(path: string, status: number, text: string): Answer {
  let body: { data?: unknown; errors?: readonly { extensions?: { code?: string } }[]; code?: string };
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: 'wrong', why: `${status} ${text.slice(0, 80)}` };
  }
  const code = path === '/graphql' ? body.errors?.[0]?.extensions?.code : body.code;
  if (code === undefined && status < 300) return { kind: 'done', data: path === '/graphql' ? body.data : body };
  if (code === 'UNAVAILABLE') return { kind: 'unavailable' };
  // Every request here is valid and has a token that holds.
  const mayBe = ['QUOTA_EXCEEDED', 'NOT_FOUND', 'CONFLICT', 'RATE_LIMITED'];
  return code !== undefined && mayBe.includes(code)
    ? { kind: 'refused', code }
    : { kind: 'wrong', why: `${status} ${text.slice(0, 120)}` };
}
