import type { ServerResponse } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { STREAM_TYPE } from '../../http/response/send-event-stream.ts';
import { JSON_TYPE, sendJson } from '../../http/response/send-response.ts';
import { sendResultAsStream } from './graphql-sse.ts';
import { RESULT_TYPES, type ResultType } from './response-type.ts';

/** An operation that is refused as a whole: a client that understands only JSON gets the errors as a result. */
export function sendRefusal(
  reply: ServerResponse,
  type: ResultType | typeof STREAM_TYPE,
  errors: readonly GraphQLError[],
): void {
  if (type === STREAM_TYPE) sendResultAsStream(reply, { errors });
  else sendResult(reply, type === JSON_TYPE ? 200 : 400, type, { errors });
}

/** Answers with the result of an operation. */
export function sendResult(reply: ServerResponse, status: number, type: ResultType, result: ExecutionResult): void {
  sendJson(reply, status, result, { 'content-type': type });
}

/** None of the types that the client accepts is offered. */
export function refuseAccept(reply: ServerResponse): void {
  reply.writeHead(406, { accept: RESULT_TYPES.join(', '), 'content-length': '0' }).end();
}
