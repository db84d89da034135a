import { parseArgs } from 'node:util';
import { readConfig } from '../config/read-config.ts';
import { openDatabase } from '../db/startup/open-database.ts';
import { createLog } from '../log.ts';
import { readInstallation } from '../secrets/installation.ts';
import { readKeys } from '../secrets/keys.ts';
import { rotateSecrets as rotate } from '../secrets/rotate-secrets.ts';
import { SecretBox } from '../secrets/secret-box.ts';
import { endOnSignal } from './end-on-signal.ts';

/** `swiftor rotate-secrets`. */
export async function rotateSecrets(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { renew: { type: 'boolean', default: false } } });
  const config = readConfig(process.env);
  const log = await createLog({ level: config.logLevel, to: 'stderr', pretty: process.stderr.isTTY });
  const signal = endOnSignal(log);
  await using database = await openDatabase(config, log, signal);
  const { keyRing } = await readKeys(config);
  const { keys } = await readInstallation(database.db, keyRing);
  const vault = { db: database.db, keyRing, secretBox: new SecretBox(keyRing, keys) };
  const { dataKeys, values: secrets } = await rotate(vault, { renew: values.renew, signal });
  process.stdout.write(
    `Re-encrypted ${dataKeys} data keys and ${secrets} secrets. SECRETS_KEY alone decrypts everything; unset ` +
      'SECRETS_KEY_PREVIOUS.\n',
  );
}
