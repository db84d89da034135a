import { parseArgs } from 'node:util';
import { isUserId, signToken } from '../auth/jwt.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { parseDuration } from '../config/parse-duration.ts';
import { readConfig } from '../config/read-config.ts';
import { readKeys } from '../secrets/keys.ts';

/** `swiftor token`: one that the API accepts. */
export async function token(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      user: { type: 'string' },
      plan: { type: 'string' },
      operator: { type: 'boolean', default: false },
      ttl: { type: 'string', default: '1h' },
    },
  });
  const { user, plan, operator, ttl } = values;
  if (user === undefined) throw new Error('The option --user is missing: whose token it is to be.');
  if (!isUserId(user)) throw new Error('--user must have 1 to 255 printable ASCII characters, without spaces.');
  const config = readConfig(process.env);
  if (plan !== undefined) {
    const { plans } = await loadCatalog({ ...config, regions: [] });
    if (!plans.has(plan)) throw new Error(`--plan must be a plan; the plans are ${[...plans.keys()].join(', ')}.`);
  }
  const ttlSeconds = secondsOf(ttl);
  const { jwtSecret } = await readKeys(config);
  const claims = {
    userId: user,
    ttlSeconds,
    ...(plan !== undefined && { plan }),
    ...(operator && { role: 'operator' as const }),
  };
  process.stdout.write(`${await signToken(claims, { ...config.jwt, secret: jwtSecret })}\n`);
}

function secondsOf(ttl: string): number {
  try {
    return parseDuration(ttl);
  } catch {
    throw new Error('--ttl must be a duration: 90s, 15m, 1h or 30d.');
  }
}
