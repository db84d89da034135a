import type { OperationTypeNode } from 'graphql';
import type { Log } from '../../log.ts';
import type { Caller } from '../schema/context.ts';

/** Writes a line for each operation: who, what, how long, and the code of its error. Without values of the request. */
export type AccessLog = (caller: Caller, operation: LoggedOperation) => void;

export interface LoggedOperation {
  readonly kind: OperationTypeNode;
  /** As the client named it. */
  readonly name: string | undefined;
  /** By performance.now(). */
  readonly startedAt: number;
}

/** For ACCESS_LOG=1. Of a subscription it is the time until its first event can come. */
export function createAccessLog(log: Log): AccessLog {
  return ({ requestId, viewer: { userId }, route }, { kind, name, startedAt }) => {
    const ms = Math.round((performance.now() - startedAt) * 10) / 10;
    log.info({ requestId, userId, operation: route ?? name, kind, ms }, 'operation');
  };
}
