import { expect, it } from 'vitest';
import { requireNotifications } from '../../../src/db/startup/require-notifications.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';

it('a way to the database that loses notifications, as a pooler in transaction mode does, is refused', async () => {
  await using database = await createTestDatabase();
  await using proxy = await openDatabaseProxy(database.url);
  await requireNotifications(proxy.url);
  // Sent to another channel, so that they do not reach the one that listens.
  proxy.set({ garble: /(?<=pg_notify\('swiftor_)probe/g });
  await expect(requireNotifications(proxy.url, { withinMs: 500 })).rejects.toThrow(
    /^DATABASE_URL leads through a pooler that delivers no/,
  );
});
