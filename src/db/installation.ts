import type { Db } from './database.ts';

/** What `readInstallation` needs of the secret box. */
interface Sealing {
  seal(value: string, place: readonly string[]): Buffer;
  open(sealed: Buffer, place: readonly string[]): string;
}

const PLACE = ['installation', 'key-check'];

/**
 * The installation's id, which marks the containers that are ours. Rejects when the database was sealed with another key:
 * starting anyway would make every secret in it unreadable, and new ones unreadable for the gateways that have the right key.
 */
export async function readInstallation(db: Db, box: Sealing): Promise<string> {
  return db.transaction().execute(async (trx) => {
    const { id, key_check } = await trx.selectFrom('installation').selectAll().forUpdate().executeTakeFirstOrThrow();
    if (key_check === null) {
      await trx
        .updateTable('installation')
        .set({ key_check: box.seal(id, PLACE) })
        .execute();
      return id;
    }
    try {
      box.open(key_check, PLACE);
    } catch (error) {
      throw new Error('SECRETS_KEY is not the key that this database was sealed with; start with the one that was.', { cause: error });
    }
    return id;
  });
}
