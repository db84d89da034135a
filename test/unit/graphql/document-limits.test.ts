import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkDocument, DOCUMENT_LIMITS } from '../../../src/graphql/pipeline/document-limits.ts';
import { ApiError } from '../../../src/errors.ts';

/** What is wrong with a document, by the limit that it names; empty when nothing is. */
function problemsOf(text: string): string[] {
  try {
    checkDocument(parse(text));
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return (error.details.fields ?? []).map(({ message }) => message.replace(/^has \S+ (.*), at most.*$/, '$1'));
  }
}
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const { depth, fields, aliases, directives } = DOCUMENT_LIMITS;

describe('each limit at N and at N + 1', () => {
  const deep = (levels: number) => `${'{ a '.repeat(levels)}${'}'.repeat(levels)}`;
  const deepByFragments = (levels: number) =>
    `{ a { ...F1 } } ${times(levels - 1, (index) => `fragment F${index + 1} on T { a ${index + 2 < levels ? `{ ...F${index + 2} }` : ''} }`)}`;
  it.each([
    ['levels', deep, depth, 'levels of fields'],
    ['levels over fragments', deepByFragments, depth, 'levels of fields'],
    [
      'levels of introspection',
      (n: number) => `{ __schema ${'{ types '.repeat(n - 1)}${'}'.repeat(n - 1)} }`,
      depth,
      'levels of fields',
    ],
    ['fields', (n: number) => `{ ${times(n, (index) => `f${index}`)} }`, fields, 'fields'],
    [
      'fields in fragments that are spread again',
      (n: number) => `{ ${times(n / 2, () => '...F')} ${n % 2 ? 'a' : ''} } fragment F on T { a b }`,
      fields,
      'fields',
    ],
    ['aliases', (n: number) => `{ ${times(n, (index) => `f${index}: f`)} }`, aliases, 'aliases'],
    ['aliases of __typename', (n: number) => `{ ${times(n, (index) => `f${index}: __typename`)} }`, aliases, 'aliases'],
    [
      'aliases in a fragment named __schema',
      (n: number) => `{ ...__schema } fragment __schema on T { ${times(n, (index) => `f${index}: f`)} }`,
      aliases,
      'aliases',
    ],
    [
      'aliases in inline fragments',
      (n: number) => `{ ${times(n, (index) => `... { f${index}: f }`)} }`,
      aliases,
      'aliases',
    ],
    ['directives of a field', (n: number) => `{ a ${'@aa '.repeat(n)} }`, directives, 'directives'],
    [
      'directives of the operation and its variables',
      (n: number) => `query ($v: Int @a) ${'@aa '.repeat(n - 1)} { a }`,
      directives,
      'directives',
    ],
    [
      'directives of a fragment and its spread',
      (n: number) => `{ ...F @aa } fragment F on T ${'@aa '.repeat(n - 1)} { a }`,
      directives,
      'directives',
    ],
  ] as const)('%s', (_what, make, limit, unit) => {
    expect([problemsOf(make(limit)), problemsOf(make(limit + 1))]).toEqual([[], [unit]]);
  });
});

it('measures every operation of a document', () => {
  expect(problemsOf(`query A { a } query B { ${times(aliases + 1, (index) => `f${index}: f`)} }`)).toEqual(['aliases']);
});

it('measures nested double spreads in linear time', () => {
  const bomb = `{ ...F0 } ${times(150, (index) => `fragment F${index} on T { ...F${index + 1} ...F${index + 1} }`)} fragment F150 on T { a }`;
  const begun = performance.now();
  expect(problemsOf(bomb)).toEqual(['fields']);
  expect(performance.now() - begun).toBeLessThan(1_000);
});

it.each([
  ['itself', '{ ...A } fragment A on T { a ...A }', 'A'],
  ['one another', '{ ...A } fragment A on T { ...B } fragment B on T { ...A a }', 'A'],
  ['one another, inside fields', '{ ...A } fragment A on T { a { ... { ...B } } } fragment B on T { b { ...A } }', 'A'],
  [
    'so many that validation ends with its stack',
    `{ ...F0 } ${times(110, (index) => `fragment F${index} on Query { ${times(5, (step) => `...F${(index + step + 1) % 110}`)} }`)}`,
    'F0',
  ],
])('refuses a fragment that spreads %s before validation', (_what, text, name) => {
  expect(problemsOf(text)).toEqual([`spreads the fragment "${name}" inside itself.`]);
});

it('measures an unused fragment, because it is validated', () => {
  expect(problemsOf('{ a } fragment A on T { ...A }')).toEqual(['spreads the fragment "A" inside itself.']);
  expect(problemsOf(`{ a } fragment A on T { ${times(aliases + 1, (index) => `f${index}: f`)} }`)).toEqual(['aliases']);
});

it('accepts the introspection query of common tools', () => {
  const all = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  expect(problemsOf(all)).toEqual([]);
});
