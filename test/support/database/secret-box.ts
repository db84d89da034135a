import type { Db } from '../../../src/db/database.ts';
import { readInstallation } from '../../../src/secrets/installation.ts';
import { KeyRing } from '../../../src/secrets/key-ring.ts';
import { SecretBox } from '../../../src/secrets/secret-box.ts';

/** The secret box of a database, for a gateway with the SECRETS_KEY of the tests. */
export async function openTestSecretBox(db: Db): Promise<SecretBox> {
  const keyRing = new KeyRing(Buffer.alloc(32, 1));
  const { keys } = await readInstallation(db, keyRing);
  return new SecretBox(keyRing, keys);
}
