import type { Config } from './config.ts';
import { getOrCreateKey } from './lib/get-or-create-key.ts';

export interface Keys {
  /** Signs and verifies tokens; undefined where JWT_JWKS_URL verifies them. */
  readonly jwtSecret: string | undefined;
  /** 32 bytes. */
  readonly secretsKey: Buffer;
}

/** The keys of the environment, or those generated once in DATA_DIR; a production config always brings its own. */
export async function readKeys({ jwt, secretsKey, dataDir }: Config): Promise<Keys> {
  return {
    jwtSecret: jwt.jwksUrl !== undefined ? undefined : (jwt.secret ?? (await getOrCreateKey(dataDir, 'jwt-secret'))),
    secretsKey: Buffer.from(secretsKey ?? (await getOrCreateKey(dataDir, 'secrets-key')), 'base64'),
  };
}
