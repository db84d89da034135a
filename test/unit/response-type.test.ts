import { expect, it } from 'vitest';
import { responseTypeOf } from '../../src/graphql/transports/response-type.ts';

it.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/json; charset=utf-8', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
  ['application/graphql-response+json; charset=utf-8, application/json', 'application/graphql-response+json'],
  ['APPLICATION/JSON, application/graphql-response+json', 'application/json'],
  ['text/html, */*;q=0.8', 'application/json'],
  ['application/json; charset=latin1, */*', 'application/json'],
  ['application/json; charset=latin1', undefined],
  ['text/html', undefined],
  ['', undefined],
])('accept: %s gets %s', (accept, type) => {
  expect(responseTypeOf(accept)).toBe(type);
});
