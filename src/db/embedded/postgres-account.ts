import { readFile } from 'node:fs/promises';

/** The system user that PostgreSQL runs as. */
export interface PostgresAccount {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that runs PostgreSQL, which refuses to run as root. Not the system's `postgres` or `nobody`: a user can read
 * and signal all that runs as it, and those run other programs too. `npm start` and `npm test` create it.
 */
export const POSTGRES_USER = 'swiftor-postgres';

/**
 * Chooses the user that runs PostgreSQL. Undefined means this process's user, the only choice without root.
 * @param owner uid and gid of an existing cluster, which keeps its user.
 * @throws if this process may not run the cluster, or if there is no user for it.
 */
export async function choosePostgresAccount(owner: PostgresAccount | undefined): Promise<PostgresAccount | undefined> {
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner === undefined || self === undefined || owner.uid === self) return undefined;
    throw new Error(
      `The embedded database belongs to uid ${owner.uid}, this process runs as uid ${self}. Run it as that ` +
        'user or as root.',
    );
  }
  if (owner !== undefined && owner.uid !== 0) return owner;

  const chosen = parsePasswd(await readFile('/etc/passwd', 'utf8')).get(POSTGRES_USER);
  if (chosen !== undefined) return chosen;
  throw new Error(
    `PostgreSQL does not run as root, and this machine has no user ${POSTGRES_USER}. Run "useradd --system ` +
      `${POSTGRES_USER}", or set DATABASE_URL.`,
  );
}

/** The accounts of a passwd file by name, without root and its aliases. */
export function parsePasswd(text: string): Map<string, PostgresAccount> {
  const accounts = new Map<string, PostgresAccount>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== undefined && Number(uid) > 0 && gid !== undefined)
      accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}
