import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { costOf } from '../../../src/graphql/pipeline/operation-cost.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { readOperations } from '../../../tools/dashboard/read-operations.ts';
import { SCHEMA_TYPES, schemaTypesOf } from '../../../tools/schema-types/schema-types.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const SDL = readFileSync(path.join(ROOT, 'schema.graphql'), 'utf8');
const PRINTED = buildSchema(SDL);
const DOCUMENTS = Object.entries(await readOperations());
/** Each 2,000 of a cost is a point of the account's rate. */
const MOST_POINTS = 10;

describe('the documents of the dashboard', () => {
  it('are found, each on one line', () => {
    expect(DOCUMENTS.length).toBeGreaterThan(25);
    expect(DOCUMENTS.filter(([, text]) => text.includes('\n'))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s asks for what the schema has', (_name, document) => {
    expect(validate(PRINTED, parse(document))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s is cheap enough to be asked often', (_name, document) => {
    const args = { schema, document: parse(document), variableValues: {} };
    expect(costOf(args).points).toBeLessThanOrEqual(MOST_POINTS);
  });

  it.each(SCHEMA_TYPES)('have types that are made from the present schema, in %s', (file) => {
    const written = readFileSync(path.join(ROOT, file), 'utf8');
    expect(written, 'npm run schema writes them').toBe(schemaTypesOf(SDL));
  });
});
