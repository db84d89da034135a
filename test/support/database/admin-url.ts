import { readFile } from 'node:fs/promises';
import { inject } from 'vitest';
import { eventually } from '../eventually.ts';
import type { PostgresOutcome } from '../global-setup.ts';

/** Less than a hook may take, so that it fails with a reason. */
const START_MS = 55_000;

let outcome: Promise<PostgresOutcome> | undefined;

/** Of a database whose user may create others, once PostgreSQL runs. Rejects with why it does not start. */
export async function awaitAdminUrl(): Promise<string> {
  const file = inject('postgresFile');
  outcome ??= eventually(async () => JSON.parse(await readFile(file, 'utf8')) as PostgresOutcome, {
    deadline: START_MS,
  });
  const known = await outcome;
  if ('failure' in known) throw new Error(`The PostgreSQL of the tests did not start: ${known.failure}`);
  return known.adminUrl;
}
