import { readFile } from 'node:fs/promises';

/** The user that PostgreSQL runs as. */
export interface PostgresAccount {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: the first of these that the machine has takes its place. */
const CANDIDATES = ['postgres', 'nobody'];

/**
 * Who PostgreSQL is to run as: undefined for this process's own user, which is all that a process without root's rights can do.
 * @param owner uid and gid of an existing cluster, which stays with its user even when a better candidate has come since.
 * @throws a sentence with the way out where this process may not or no user can run the cluster.
 */
export async function choosePostgresAccount(owner: PostgresAccount | undefined): Promise<PostgresAccount | undefined> {
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner === undefined || self === undefined || owner.uid === self) return undefined;
    throw new Error(`The embedded database belongs to uid ${owner.uid}, this process runs as uid ${self}. Run it as that user or as root.`);
  }
  if (owner !== undefined && owner.uid !== 0) return owner;

  const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  const chosen = CANDIDATES.map((name) => accounts.get(name)).find((account) => account !== undefined);
  if (chosen !== undefined) return chosen;
  throw new Error(
    `PostgreSQL does not run as root, and this machine has no user ${CANDIDATES.join(' or ')}. Add one, or set DATABASE_URL.`,
  );
}

/** The accounts of a passwd file by name, root's aliases left out. */
export function parsePasswd(text: string): Map<string, PostgresAccount> {
  const accounts = new Map<string, PostgresAccount>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== undefined && Number(uid) > 0 && gid !== undefined) accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}
