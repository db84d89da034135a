import { expect, it } from 'vitest';
import { loadPersistedOperations } from '../../../src/graphql/pipeline/persisted-operations.ts';
import { sha256, useOperationsFile, VIEWER } from '../../support/api/operations-file.ts';

const files = useOperationsFile();
const load = async (value: unknown) =>
  loadPersistedOperations(await files.write('some.json', typeof value === 'string' ? value : JSON.stringify(value)), {
    only: true,
  });

const MANIFEST = {
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: [{ id: sha256(VIEWER), name: 'Viewer', type: 'query', body: VIEWER }],
};

it("Apollo's manifest is a file of persisted operations", async () => {
  const operations = await load(MANIFEST);
  const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(VIEWER) } };
  expect(operations.documentOf({ extensions })).toBe(VIEWER);
});

it('a file that begins with a byte order mark is read', async () => {
  expect((await load(`\uFEFF${JSON.stringify({ me: VIEWER })}`)).documentOf({ documentId: 'me' })).toBe(VIEWER);
});

it.each([
  { ...MANIFEST, version: 2 },
  { ...MANIFEST, operations: [{ id: 'a' }] },
])('a manifest of an unknown form is refused', async (value) => {
  await expect(load(value)).rejects.toThrow('must be an object of documents by id');
});
