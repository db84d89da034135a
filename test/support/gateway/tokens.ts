import { randomUUID } from 'node:crypto';
import { signToken } from '../../../src/auth/jwt.ts';

/** The secret that every gateway of the tests verifies tokens with. */
export const JWT_SECRET = 'a secret of the tests, longer than 32 bytes';

export interface TestTokenOptions {
  readonly plan?: string;
  readonly role?: 'operator';
  readonly ttlSeconds?: number;
}

/**
 * A token that any gateway of the tests takes: of the plan "engineer" and for 10 minutes where nothing else is said.
 */
export function testToken(
  userId: string,
  { plan = 'engineer', role, ttlSeconds = 600 }: TestTokenOptions = {},
): Promise<string> {
  return signToken(
    { userId, plan, ttlSeconds, ...(role !== undefined && { role }) },
    { secret: JWT_SECRET, audience: 'authenticated' },
  );
}

/** The name of an account that no other test has, nor an earlier try of the same one. */
export function newAccount(name: string): string {
  return `${name}-${randomUUID()}`;
}
