import { expect, it } from 'vitest';
import { generateApiToken, hashApiToken, isApiToken } from '../../../src/auth/api-tokens/api-token.ts';
import { LiveTokens } from '../../../src/auth/api-tokens/live-tokens.ts';
import { bearerOf } from '../../../src/auth/jwt.ts';
import { requireScope } from '../../../src/auth/require-scope.ts';
import type { TokenScope } from '../../../src/audit/viewer.ts';

it('all that use a token share its state, which its revocation ends', () => {
  const tokens = new LiveTokens();
  const [one, other] = [tokens.stateOf('a'), tokens.stateOf('b')];
  expect(tokens.stateOf('a')).toBe(one);
  expect(tokens.ids()).toEqual(['a', 'b']);
  tokens.revoke('a');
  expect([one.revoked.aborted, other.revoked.aborted]).toEqual([true, false]);
  expect(tokens.ids()).toEqual(['b']);
  expect(tokens.stateOf('a').revoked.aborted).toBe(false);
});

it('an API token is accepted as a Bearer token, and differs from every other', () => {
  const [one, other] = [generateApiToken(), generateApiToken()];
  expect(one.token).not.toBe(other.token);
  expect([isApiToken(one.token), isApiToken('eyJ.eyJ.sig')]).toEqual([true, false]);
  expect(bearerOf(`Bearer ${one.token}`)).toBe(one.token);
  expect(hashApiToken(one.token)).toEqual(one.hash);
  expect(one.hash.toString('base64url')).not.toContain(one.token.slice(4, 20));
});

it.each<[TokenScope | undefined, TokenScope[]]>([
  ['READ', ['READ']],
  ['OPERATE', ['READ', 'OPERATE']],
  ['ADMIN', ['READ', 'OPERATE', 'ADMIN']],
  [undefined, ['READ', 'OPERATE', 'ADMIN']],
])('the scope %s allows %j', (scope, allowed) => {
  const viewer = { userId: 'alice', expiresAt: 0, ...(scope !== undefined && { scope }) };
  for (const needed of ['READ', 'OPERATE', 'ADMIN'] as const) {
    const ask = () => requireScope(viewer, needed);
    if (allowed.includes(needed)) expect(ask).not.toThrow();
    else expect(ask).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  }
});
