import { bearerOf, type VerifyToken } from '../../auth/jwt.ts';
import type { RateLimits } from '../../auth/rate-limits.ts';
import { ApiError } from '../../errors.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import type { WsConnection } from './ws-connection.ts';

interface RenewOptions {
  readonly verifyToken: VerifyToken;
  readonly rates: RateLimits;
  readonly gateway: Gateway;
}

/**
 * Lets a connection go on with a new token (`Bearer …`) of its account. Returns what to tell the client: `expiresAt`,
 * or `errors` if the token is not taken; the connection then ends with its present one.
 */
export async function renewToken(
  connection: WsConnection,
  authorization: unknown,
  { verifyToken, rates, gateway }: RenewOptions,
): Promise<Record<string, unknown>> {
  try {
    if (connection.viewer === undefined)
      throw new ApiError('UNAUTHENTICATED', 'Send the first token in connection_init.');
    rates.checkAccount(connection.viewer);
    const viewer = await verifyToken(bearerOf(typeof authorization === 'string' ? authorization : undefined));
    if (viewer.userId !== connection.viewer.userId)
      throw new ApiError('UNAUTHENTICATED', 'The token must be of the same account.');
    connection.renew(viewer);
    return { expiresAt: new Date(viewer.expiresAt).toISOString() };
  } catch (error) {
    return { errors: [gateway.mask(error, connection).toJSON()] };
  }
}
