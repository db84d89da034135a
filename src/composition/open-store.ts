import type { Config } from '../config/config.ts';
import { createDatabase, type Db } from '../db/database.ts';
import { Listener } from '../db/listen.ts';
import { prepareDatabase } from '../db/startup/prepare-database.ts';
import { OutageLog } from '../lib/outage-log.ts';
import type { Log } from '../log.ts';
import { clearLeases } from '../reconciler/iteration/vm-lease.ts';
import { listenerName } from '../secrets/gateway-keys.ts';
import { readInstallation } from '../secrets/installation.ts';
import type { Keys } from '../secrets/keys.ts';
import { SecretBox } from '../secrets/secret-box.ts';

/** The database, the connections to it, and what is read from it once. */
export interface Store extends AsyncDisposable {
  readonly url: string;
  /** Of the API and the ingress. */
  readonly db: Db;
  /** Of whatever acts on engines: many starts at once delay no request. */
  readonly engineDb: Db;
  readonly listener: Listener;
  readonly outage: OutageLog;
  readonly installationId: string;
  readonly secretBox: SecretBox;
}

interface StoreOptions {
  readonly config: Config;
  readonly keys: Keys;
  readonly log: Log;
  /** Aborts when nothing may wait for the database any more. */
  readonly ending: AbortSignal;
  /** Ends the wait for a database that is not there yet. */
  readonly signal: AbortSignal;
}

/** Starts or reaches the database, migrates it and connects. If a step fails, the earlier ones are undone. */
export async function openStore({ config, keys, log, ending, signal }: StoreOptions): Promise<Store> {
  await using parts = new AsyncDisposableStack();
  const database = await prepareDatabase(config, log, signal);
  parts.defer(() => database.stop());
  const { url } = database;
  const outage = new OutageLog(log, 'the database');
  const db = createDatabase(url, { outage, ending });
  parts.defer(() => db.destroy());
  const engineDb = createDatabase(url, { outage, ending });
  parts.defer(() => engineDb.destroy());
  const { id: installationId, keys: ownKeys, rotationDue } = await readInstallation(db, keys.keyRing);
  if (rotationDue)
    log.info('secrets are still encrypted with SECRETS_KEY_PREVIOUS; run npm run secrets:rotate, then remove it');
  const secretBox = new SecretBox(keys.keyRing, ownKeys);
  // Only this process uses the embedded database, so remaining leases are those of a gateway that was killed.
  if (database.isEmbedded) await clearLeases(db);
  const listener = await Listener.open({ url, outage, name: listenerName(keys.keyRing) });
  parts.defer(() => listener.close());
  const held = parts.move();
  return {
    url,
    db,
    engineDb,
    listener,
    outage,
    installationId,
    secretBox,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
