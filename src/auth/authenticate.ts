import type { IncomingMessage } from 'node:http';
import { requestIdOf } from '../http/request/request-id.ts';
import { bearerOf, type VerifyToken } from './jwt.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Actor } from '../audit/viewer.ts';

/**
 * Authenticates a request. UNAUTHENTICATED without a valid token in its Authorization header, RATE_LIMITED above the
 * account's rate.
 */
export type Authenticate = (
  request: IncomingMessage,
) => Promise<{ readonly viewer: Actor; readonly requestId: string }>;

interface AuthenticateOptions {
  readonly verifyToken: VerifyToken;
  readonly rates: RateLimits;
  readonly addressOf: (request: IncomingMessage) => string;
}

/** All HTTP authentication: a Bearer token in the header, never a cookie or a query parameter. */
export function createAuthenticate({ verifyToken, rates, addressOf }: AuthenticateOptions): Authenticate {
  return async (request) => {
    const viewer = await verifyToken(bearerOf(request.headers.authorization));
    rates.checkAccount(viewer);
    return { viewer: { ...viewer, from: addressOf(request) }, requestId: requestIdOf(request) };
  };
}
