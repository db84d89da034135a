import type { Db } from '../../src/db/database.ts';
import { readInstallation } from '../../src/secrets/installation.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import { createSecretBox, type SecretBox } from '../../src/secrets/secret-box.ts';

/** The box of a database, as a gateway with some SECRETS_KEY of the tests would open it. */
export async function openTestBox(db: Db): Promise<SecretBox> {
  const ring = createKeyRing(Buffer.alloc(32, 1));
  const { keys } = await readInstallation(db, ring);
  return createSecretBox(ring, keys);
}
