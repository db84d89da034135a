import { it } from 'vitest';
import { createSwiftorClient } from '../../../client/src/index.ts';
import { startApiProcess } from '../../support/api/api-process.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';

it('a client whose connection opens into silence gives it up and makes another', async () => {
  await using gateway = await startApiProcess();
  await using proxy = await openDatabaseProxy(gateway.url);
  // What connects now stays without an answer for good.
  proxy.set('blackhole');
  const leaving = new AbortController();
  const { watchVms } = createSwiftorClient({ url: proxy.url, token: () => gateway.token('patient') });
  const states = watchVms({ signal: leaving.signal });
  const first = states.next();
  await eventually(() => proxy.count() > 0);
  proxy.set('pass');
  let isThere = false;
  first.then(({ done }) => (isThere = done === false)).catch(() => undefined);
  await eventually(() => isThere, { deadline: 25_000 }).finally(() => leaving.abort());
}, 60_000);
