import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { signToken } from '../../src/auth/jwt.ts';
import { executeSql } from '../../test/support/database/execute-sql.ts';
import { removeInstallation } from '../../test/support/engine/engines.ts';
import { testImage } from '../../test/support/engine/images/tiny-image.ts';
import { openEngineSocket } from './engine-socket.ts';
import { startGateway } from './gateway-under-test.ts';
import { withDatabase, type Bench } from './with-database.ts';

/** The entry of the tiny image in the gateway's catalog. */
export const DISTRIBUTION = 'tiny';
export const APP_PORT = 3000;
export const JWT_SECRET = randomUUID();

/**
 * Runs a gateway with the tiny image in its catalog, then removes everything that it and the floor left on the engine.
 */
export async function withGateway<T>(
  bench: Bench,
  work: (rig: {
    gateway: Awaited<ReturnType<typeof startGateway>>;
    databaseUrl: string;
    engine: ReturnType<typeof openEngineSocket>;
    rawInstallation: string;
  }) => Promise<T>,
  distributions: readonly object[] = [],
): Promise<T> {
  return withDatabase(bench, async (databaseUrl) => {
    await using undo = new AsyncDisposableStack();
    const engine = undo.use(openEngineSocket());
    const image = await testImage();
    const rawInstallation = `bench-${randomUUID()}`;
    undo.defer(() => removeInstallation(rawInstallation));
    const catalogFile = path.join(bench.dataDir, 'catalog.json');
    const entry = { code: DISTRIBUTION, image, defaultPort: APP_PORT, stopGraceSeconds: 2, bootSeconds: 20 };
    await writeFile(catalogFile, JSON.stringify({ distributions: [entry, ...distributions] }));
    let installationId: string | undefined;
    undo.defer(async () => {
      if (installationId !== undefined) await removeInstallation(installationId);
    });
    const env = {
      DATABASE_URL: databaseUrl,
      DATA_DIR: path.join(bench.dataDir, 'gateway'),
      CATALOG_FILE: catalogFile,
      JWT_SECRET,
    };
    const gateway = undo.use(await startGateway(env));
    const { rows } = await executeSql(databaseUrl, 'select id from installation');
    installationId = (rows[0] as { id: string }).id;
    return await work({ gateway, databaseUrl, engine, rawInstallation });
  });
}

/** A token of the gateway, with the largest plan. */
export function tokenOf(userId: string): Promise<string> {
  return signToken({ userId, plan: 'engineer', ttlSeconds: 3600 }, { secret: JWT_SECRET, audience: 'authenticated' });
}
