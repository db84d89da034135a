import { signToken } from '../auth/jwt.ts';
import type { Config } from '../config/config.ts';
import { readKeys } from '../secrets/keys.ts';

/** Who works at the terminal, as in the commands of the README. */
const USER = { userId: 'you', plan: 'hacker', ttlSeconds: 12 * 3600 };

/**
 * An address of the dashboard that signs its visitor in, for the terminal of a gateway that is being tried out.
 * Undefined in production, without the dashboard, and where tokens are issued elsewhere.
 */
export async function signInAddress(config: Config, origin: string): Promise<string | undefined> {
  if (config.production || config.dashboard === undefined || !config.roles.has('api')) return undefined;
  const { jwtSecret } = await readKeys(config);
  if (jwtSecret === undefined) return undefined;
  const token = await signToken(USER, { ...config.jwt, secret: jwtSecret });
  // Browsers do not send what follows the #, and the page removes it from its address.
  return `${origin}/sign-in#token=${token}`;
}
