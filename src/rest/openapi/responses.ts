import { ref, string } from '../schemas/json-schema.ts';

const integer = { type: 'integer', minimum: 1 } as const;

export const HEADERS = {
  RequestId: {
    description: "The request's id in the log: the client's own, if it sent one.",
    schema: string,
  },
  RetryAfter: { description: 'With 429 and 503: the seconds after which to try again.', schema: integer },
  Allow: { description: 'With 405: the methods that are allowed.', schema: string },
  Authenticate: { description: 'With 401: Bearer.', schema: string },
  Deprecation: { description: 'Since when this is deprecated (RFC 9745).', schema: string },
  Link: { description: 'Where this is documented.', schema: string },
} as const;

const headers = (names: Readonly<Record<string, keyof typeof HEADERS>>): object =>
  Object.fromEntries(
    Object.entries({ 'x-request-id': 'RequestId', ...names }).map(([header, name]) => [
      header,
      { $ref: `#/components/headers/${name}` },
    ]),
  );

const content = { 'application/json': { schema: ref('Error') } };

/** The errors of every operation. */
export const ERROR_RESPONSES = {
  ClientError: {
    description:
      'The request is refused: 400 BAD_USER_INPUT or QUOTA_EXCEEDED, 401 UNAUTHENTICATED, 403 FORBIDDEN or ' +
      'ACCOUNT_SUSPENDED, 404 NOT_FOUND, ' +
      '405 METHOD_NOT_ALLOWED, 409 CONFLICT or REGION_DRAINED, 413 PAYLOAD_TOO_LARGE, 415 UNSUPPORTED_MEDIA_TYPE, 429 RATE_LIMITED.',
    headers: headers({ 'www-authenticate': 'Authenticate', allow: 'Allow', 'retry-after': 'RetryAfter' }),
    content,
  },
  ServerError: {
    description: 'The gateway cannot answer: 500 INTERNAL_SERVER_ERROR, 503 UNAVAILABLE.',
    headers: headers({ 'retry-after': 'RetryAfter' }),
    content,
  },
} as const;

/** The headers of a success. */
export function successHeaders({ isDeprecated }: { isDeprecated: boolean }): object {
  return headers(isDeprecated ? { deprecation: 'Deprecation', link: 'Link' } : {});
}
