import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import events from '../../../examples/clients/relay/__generated__/documentsVmEventsSubscription.graphql.ts';
import vms from '../../../examples/clients/relay/__generated__/documentsVmsQuery.graphql.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Each piece of code with the files that its section names. */
const BLOCKS = read('docs/clients.md')
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const title = section.split('\n', 1)[0] ?? '';
    const files = [...section.matchAll(/\]\(\.\.\/(examples\/[^)]+\.ts)\)/g)].map(([, file = '']) => file);
    const blocks = [...section.matchAll(/^```\w+\n([^]*?)\n```$/gm)].map(([, code = '']) => code);
    return blocks.map((code, index) => ({ title, index, code, files }));
  });

describe('the code of docs/clients.md', () => {
  it.each(BLOCKS)('$title, $index, is in an example that a test runs', ({ code, files }) => {
    expect(files.filter((file) => read(file).includes(code))).toHaveLength(1);
  });

  it('is there for each client', () => {
    expect(new Set(BLOCKS.map(({ title }) => title)).size).toBe(5);
  });
});

it.each([vms, events])("what relay-compiler has made fits today's schema: $params.name", ({ params }) => {
  expect(validate(schema, parse(params.text ?? ''))).toEqual([]);
});
