import { expect, it } from 'vitest';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase } from '../../../src/db/database.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import { createLog } from '../../../src/log.ts';
import { FactsWatch } from '../../../src/reconciler/watch/facts-watch.ts';
import { imageAvailability } from '../../../src/vm/problems/image-availability.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { eventually } from '../../support/eventually.ts';

it('what the catalog offers is known before there is a VM: each registry is asked once', async () => {
  await using database = await createTestDatabase();
  const db = createDatabase(database.url, { max: 2 });
  const asked: string[] = [];
  const driver = {
    describe: async () => ({ architecture: 'amd64', images: [] }),
    reachesRegistry: async (imageRef: string) => asked.push(imageRef) < 0,
  } as unknown as EngineDriver;
  const catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
  const watch = new FactsWatch(
    { driver, regions: ['AU'] },
    {
      db,
      catalog,
      log: await createLog({ level: 'silent' }),
    },
  );
  try {
    const image = { imageRef: catalog.distributions.get('ubuntu')?.images['kde'] ?? '', localImageRef: undefined };
    const availability = () => imageAvailability(image, { ...watch.read(), problem: undefined });
    expect(availability()).toBe('UNKNOWN');
    await eventually(() => availability() === 'UNAVAILABLE');
    const hosts = asked.map((reference) => reference.split('/')[0]);
    expect(new Set(hosts).size).toBe(hosts.length);
  } finally {
    await watch.close();
    await db.destroy();
  }
});
