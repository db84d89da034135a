import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The user of an `Authorization: Bearer` header with an HS256 token, verified on each request with nothing but Node.
 * Throws without a valid one. For the floor and the peers; the gateway uses its own.
 */
export function verifyToken(authorization: string | undefined, secret: string): string {
  const [header = '', payload = '', signature = ''] = (authorization ?? '').slice('Bearer '.length).split('.');
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('The token is not ours.');
  const { sub, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string; exp: number };
  if (exp * 1000 <= Date.now()) throw new Error('The token has expired.');
  return sub;
}
