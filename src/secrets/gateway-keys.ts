import { sql } from 'kysely';
import type { KeyRing } from './key-ring.ts';
import type { Db } from '../db/database.ts';

/** How the application_name of every gateway's LISTEN connection begins. */
export const LISTENER = 'swiftor-listener';

/** The application_name of a gateway's LISTEN connection. It shows other gateways the ids of its SECRETS_KEYs. */
export function listenerName({ ids }: KeyRing): string {
  return `${LISTENER} keys=${ids.join(',')}`;
}

/** Rejects if a running gateway does not have the SECRETS_KEY `keyId`, and could not read what it encrypts. */
export async function checkGatewaysHave(db: Db, keyId: string): Promise<void> {
  const { rows } = await sql<{ without: number }>`
    select count(*) filter (where not ${keyId} = any(string_to_array(split_part(application_name, 'keys=', 2), ','))) as without
    from pg_stat_activity where datname = current_database() and application_name like ${`${LISTENER}%`}
  `.execute(db);
  const without = rows[0]?.without ?? 0;
  if (without > 0) {
    throw new Error(
      `${without} of the gateways that serve this database do not have the new SECRETS_KEY. ` +
        'Start each with the new one as SECRETS_KEY and the old one as SECRETS_KEY_PREVIOUS, then run this again.',
    );
  }
}
