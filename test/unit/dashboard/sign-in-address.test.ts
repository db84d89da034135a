import { expect, it } from 'vitest';
import { claimsOf } from '../../../dashboard/session/token-claims.ts';
import { createVerifyToken } from '../../../src/auth/jwt.ts';
import { readConfig } from '../../../src/config/read-config.ts';
import { signInAddress } from '../../../src/dashboard/sign-in-address.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';

const ORIGIN = 'http://localhost:4000';
const SECRETS_KEY = Buffer.alloc(32, 7).toString('base64');
const addressOf = (env: Record<string, string>) =>
  signInAddress(readConfig({ JWT_SECRET, SECRETS_KEY, ...env }), ORIGIN);

it('the address that a terminal shows has a token that the gateway accepts, behind the #', async () => {
  const url = new URL((await addressOf({})) ?? '');
  expect([url.origin, url.pathname, url.search]).toEqual([ORIGIN, '/sign-in', '']);
  const token = new URLSearchParams(url.hash.slice(1)).get('token') ?? '';
  const viewer = await createVerifyToken({ secret: JWT_SECRET, audience: 'authenticated' })(token);
  expect(viewer).toMatchObject({ userId: 'you', plan: 'hacker' });
  expect(claimsOf(token).userId).toBe('you');
});

it.each([
  ['in production', { NODE_ENV: 'production' }],
  ['without the dashboard', { DASHBOARD: '0' }],
  ['without the API', { ROLES: 'ingress,reconciler' }],
  ['where tokens are issued elsewhere', { JWT_SECRET: '', JWT_JWKS_URL: 'https://issuer.test/jwks' }],
])('there is none %s', async (_where, env) => {
  expect(await addressOf(env)).toBeUndefined();
});
