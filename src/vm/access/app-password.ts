import { sql } from 'kysely';
import { recordAppSignIn } from '../../audit/audit-store.ts';
import type { Db } from '../../db/database.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import {
  decryptSecret,
  PASSWORD_KEY,
  selectEncryptedSecrets,
  type EncryptedSecret,
} from '../../secrets/secret-store.ts';

/**
 * The VM's password, for signing the holder of an access in to its app. The audit records it once for each access, by
 * the same statement. Undefined if the VM has none.
 */
export async function readAppPassword(
  db: Db,
  secretBox: SecretBox,
  { vmId, accessId, from }: { readonly vmId: string; readonly accessId: string; readonly from: string },
): Promise<string | undefined> {
  const { rows } = await sql<EncryptedSecret>`
    with signed_in as (
      update vm_access set signed_in_at = now() where id = ${accessId} and vm_id = ${vmId} and signed_in_at is null
      returning vm_id, name, role, is_guest
    ), audited as (${recordAppSignIn(sql`signed_in`, from)})
    ${selectEncryptedSecrets} where s.vm_id = ${vmId} and s.key = ${PASSWORD_KEY}
  `.execute(db);
  return rows[0] && decryptSecret(secretBox, rows[0]);
}
