import type { Config } from '../config/config.ts';
import { KeyRing } from './key-ring.ts';
import { getOrCreateKey } from './get-or-create-key.ts';

export interface Keys {
  /** Signs and verifies tokens. Undefined if JWT_JWKS_URL is set. */
  readonly jwtSecret: string | undefined;
  readonly keyRing: KeyRing;
}

/** The keys from the environment, or generated ones in DATA_DIR. In production, `readConfig` requires the former. */
export async function readKeys({ jwt, secretsKey, previousSecretsKey, dataDir }: Config): Promise<Keys> {
  return {
    jwtSecret: jwt.jwksUrl !== undefined ? undefined : (jwt.secret ?? (await getOrCreateKey(dataDir, 'jwt-secret'))),
    keyRing: new KeyRing(
      Buffer.from(secretsKey ?? (await getOrCreateKey(dataDir, 'secrets-key')), 'base64'),
      ...(previousSecretsKey === undefined ? [] : [Buffer.from(previousSecretsKey, 'base64')]),
    ),
  };
}
