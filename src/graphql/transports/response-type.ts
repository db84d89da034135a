import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import { STREAM_TYPE } from '../../http/response/send-event-stream.ts';
import { JSON_TYPE } from '../../http/response/send-response.ts';

export const GRAPHQL_TYPE = 'application/graphql-response+json; charset=utf-8';
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

function preferred<T extends string>({ headers: { accept } }: Asked, offered: readonly T[]): T | undefined {
  const best = rank(accept).find((type) => (offered as readonly string[]).includes(type));
  return offered.find((type) => type === best);
}

/** The few headers that clients send; negotiating one takes as long as executing a list. */
const ranks = new Map<string | undefined, readonly string[]>();
const MAX_RANKS = 100;
/** Longer ones are rare, and would be kept for nobody. */
const MAX_LENGTH = 200;

/** All types that the header accepts, those that it prefers first. */
function rank(accept: string | undefined): readonly string[] {
  const known = ranks.get(accept);
  const ranked = known ?? new Negotiator({ headers: { accept } }).mediaTypes([...ALL_TYPES]);
  if ((accept ?? '').length > MAX_LENGTH) return ranked;
  // The last one used is last: a flood of invented headers does not displace those of clients.
  ranks.delete(accept);
  ranks.set(accept, ranked);
  const [oldest] = ranks.keys();
  if (ranks.size > MAX_RANKS) ranks.delete(oldest);
  return ranked;
}
