/** A request to the REST API; a body that is no text is sent as JSON. */
export interface RestOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export function sendRest(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  { body, headers = {} }: RestOptions = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}
