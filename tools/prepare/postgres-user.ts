import { readFile } from 'node:fs/promises';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { runCommand } from '../../scripts/prepare/run-command.js';
import { parsePasswd, POSTGRES_USER } from '../../src/db/embedded/postgres-account.ts';

/** The user that runs the embedded PostgreSQL of a gateway that is root. Others run it as themselves. */
export async function checkPostgresUser(): Promise<Need | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (parsePasswd(await readFile('/etc/passwd', 'utf8')).has(POSTGRES_USER)) return undefined;
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  return {
    why: `the system user ${POSTGRES_USER}: it runs the embedded PostgreSQL, which does not run as root`,
    install: () =>
      runCommand({
        title: `Creating the user ${POSTGRES_USER}`,
        command: 'useradd',
        args: [...args, '--shell', '/usr/sbin/nologin', POSTGRES_USER],
        deadline: 30,
      }),
  };
}
