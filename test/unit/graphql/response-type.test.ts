import { expect, it } from 'vitest';
import { errorTypeOf, namesEventStream, responseTypeOf } from '../../../src/graphql/transports/response-type.ts';

const JSON = 'application/json; charset=utf-8';
const GRAPHQL = 'application/graphql-response+json; charset=utf-8';
const STREAM = 'text/event-stream; charset=utf-8';
const HTML = 'text/html; charset=utf-8';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const URQL =
  'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';

it.each([
  [undefined, JSON],
  ['*/*', JSON],
  ['application/*', JSON],
  ['application/json', JSON],
  ['application/json; charset=utf-8', JSON],
  ['application/json; charset="UTF-8"', JSON],
  ['application/graphql-response+json', GRAPHQL],
  ['application/graphql-response+json; charset=utf-8, application/json; charset=utf-8', GRAPHQL],
  ['APPLICATION/JSON, application/graphql-response+json', JSON],
  ['text/html, */*;q=0.8', JSON],
  ['application/json; charset=latin1, */*', JSON],
  ['application/json; charset=latin1', undefined],
  ['text/html', undefined],
  ['', undefined],
  // urql, Apollo Client 4, Apollo Client 3, Relay's documentation, graphql-sse and EventSource.
  [URQL, GRAPHQL],
  ['application/graphql-response+json,application/json;q=0.9', GRAPHQL],
  ['multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9', GRAPHQL],
  ['application/json, multipart/mixed', JSON],
  ['text/event-stream', STREAM],
  ['text/event-stream, multipart/mixed', STREAM],
  // By weight, and never what is refused.
  ['text/event-stream;q=0.1, application/json;q=0.2', JSON],
  ['application/json;q=0.1, text/event-stream', STREAM],
  ['text/event-stream;q=0, */*', JSON],
  ['application/json;q=0, */*', GRAPHQL],
  ['application/json;q=0, application/graphql-response+json;q=0, text/event-stream;q=0, */*', undefined],
  ['text/event-stream;q=0', undefined],
])('accept: %s gets %s', (accept, type) => {
  expect(responseTypeOf({ headers: { accept } }, { page: false })).toBe(type);
});

it.each([
  [BROWSER, HTML],
  ['text/html', HTML],
  ['text/html;q=0, */*', JSON],
  ['text/html;q=0.1, application/json', JSON],
  ['*/*', JSON],
])('where the page is offered, accept: %s gets %s', (accept, type) => {
  expect(responseTypeOf({ headers: { accept } }, { page: true })).toBe(type);
});

it.each([
  [undefined, JSON],
  ['text/event-stream', JSON],
  ['text/event-stream, application/graphql-response+json', GRAPHQL],
  ['image/png', JSON],
])('with accept: %s an error is sent as %s', (accept, type) => {
  expect(errorTypeOf({ headers: { accept } })).toBe(type);
});

it.each([
  [URQL, true],
  ['Text/Event-Stream;q=0.1, application/json', true],
  ['application/json, text/event-stream;q=0', false],
  ['*/*', false],
  ['text/*', false],
  [undefined, false],
])('accept: %s names event streams: %s', (accept, names) => {
  expect(namesEventStream({ headers: { accept } })).toBe(names);
});
