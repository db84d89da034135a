import type { Config } from '../config/config.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';
import { getOrCreateKey } from './get-or-create-key.ts';

export interface Keys {
  /** Signs and verifies tokens; undefined where JWT_JWKS_URL verifies them. */
  readonly jwtSecret: string | undefined;
  /** SECRETS_KEY, and the one before it while a rotation lasts. */
  readonly ring: KeyRing;
}

/** The keys of the environment, or those generated once in DATA_DIR; a production config always brings its own. */
export async function readKeys({ jwt, secretsKey, previousSecretsKey, dataDir }: Config): Promise<Keys> {
  return {
    jwtSecret: jwt.jwksUrl !== undefined ? undefined : (jwt.secret ?? (await getOrCreateKey(dataDir, 'jwt-secret'))),
    ring: createKeyRing(
      Buffer.from(secretsKey ?? (await getOrCreateKey(dataDir, 'secrets-key')), 'base64'),
      ...(previousSecretsKey === undefined ? [] : [Buffer.from(previousSecretsKey, 'base64')]),
    ),
  };
}
