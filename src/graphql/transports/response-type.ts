import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';

export const JSON_TYPE = 'application/json; charset=utf-8';
export const GRAPHQL_TYPE = 'application/graphql-response+json; charset=utf-8';
export const STREAM_TYPE = 'text/event-stream; charset=utf-8';
export const PAGE_TYPE = 'text/html; charset=utf-8';

/** The types of a result. A client that prefers neither gets the first, as GraphQL over HTTP has it. */
export const RESULT_TYPES = [JSON_TYPE, GRAPHQL_TYPE] as const;
const OPERATION_TYPES = [...RESULT_TYPES, STREAM_TYPE] as const;
const ALL_TYPES = [...OPERATION_TYPES, PAGE_TYPE] as const;

export type ResultType = (typeof RESULT_TYPES)[number];
export type ResponseType = (typeof ALL_TYPES)[number];

type Asked = Pick<IncomingMessage, 'headers'>;

/** The type that the Accept header prefers; undefined if it accepts none: 406. `page`: the GraphiQL page is offered. */
export function responseTypeOf(request: Asked, { page }: { page: boolean }): ResponseType | undefined {
  return preferred(request, page ? ALL_TYPES : OPERATION_TYPES);
}

/** The type of an error that is sent as JSON, whatever the client accepts. */
export function errorTypeOf(request: Asked): ResultType {
  return preferred(request, RESULT_TYPES) ?? JSON_TYPE;
}

/** Whether the client names event streams, even if it prefers others: a wildcard does not ask for a stream. */
export function namesEventStream({ headers }: Asked): boolean {
  return new Negotiator({ headers }).mediaTypes().some((type) => type.toLowerCase() === 'text/event-stream');
}

function preferred<T extends string>({ headers }: Asked, offered: readonly T[]): T | undefined {
  const [best] = new Negotiator({ headers }).mediaTypes([...offered]);
  return offered.find((type) => type === best);
}
