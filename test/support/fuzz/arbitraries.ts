import fc, { type Arbitrary } from 'fast-check';
import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
  type GraphQLInputType,
} from 'graphql';
import { toGlobalId } from '../../../src/graphql/schema/global-id.ts';

/** Stands for a VM's id until a request is sent: the caller's own, another account's, one that never was. */
export const PLACES = { own: '$OWN', foreign: '$FOREIGN', unknown: '$UNKNOWN' } as const;
/** In many texts, so that it shows where one is told that must not be. */
export const MARK = 'fuzz-mark-77';

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '__typename', 'length'];
const TEXTS = [
  '',
  ' ',
  '\0',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\r\nX-Header: y',
  '\u202eabc',
  '\ufeff',
  '\u0085\u2028',
  'ﷺ'.repeat(20),
  '👩‍👩‍👧‍👦',
  'e\u0301'.repeat(50),
  "' or 1=1 --",
  '"; drop table vm; --',
  '%00%2e%2e%2f',
  '../../etc/passwd',
  '${7*7}{{7*7}}`id`$(id)',
  '<script>alert(1)</script>',
  'null',
  'NaN',
  '-1',
  '1e309',
  '9'.repeat(400),
  'x'.repeat(101),
  'x'.repeat(129),
  'x'.repeat(256),
  'x'.repeat(33_000),
  '00000000-0000-0000-0000-000000000000',
  '1AA62E52-E61C-4AE3-9AC2-C9CB1F46D25F',
  '{1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f}',
  'PATH',
  'LD_PRELOAD',
  'VM_PASSWORD',
  MARK,
  ...NAMES,
];

const codeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
export const text: Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: codeUnits },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }).map((random) => `${MARK}${random}`) },
);

export const number: Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2, 63, 64, 65, 127, 128, 129, 1_023, 1_024, 1_025, 65_535, 65_536, 0.5, 1.5, 1e-7),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53, -(2 ** 53), 1e21, 1e308, -1e308, 5e-324),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const deep: Arbitrary<unknown> = fc.constantFrom(10, 200, 2_000).map((levels) => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
});

/** Whatever JSON can say, with names that objects inherit among the keys. */
export const anything: Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, number, fc.boolean(), fc.constant(null), tie('list'), tie('object'), deep),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
})).value;

const REGION_ID = toGlobalId('Region', 'AU');
/** What is taken, by the name of the argument or field: without it nothing would get past the first check. */
const GOOD: Readonly<Record<string, readonly unknown[]>> = {
  id: [PLACES.own, PLACES.own, PLACES.own, PLACES.foreign, PLACES.unknown],
  vmId: [PLACES.own, PLACES.own, PLACES.own, PLACES.foreign, PLACES.unknown],
  ids: [PLACES.own, PLACES.foreign, PLACES.unknown, REGION_ID],
  last: [1, 100],
  region: ['AU', 'US'],
  distribution: ['krita', 'ubuntu'],
  desktop: [null, 'xfce'],
  password: [`${MARK}-password`],
  vmlabel: ['a label'],
  cpu: [1, 2],
  ram: [1, 2],
  key: ['A_KEY', 'VM_PASSWORD'],
  value: [`${MARK}-value`, ''],
  name: ['web', 'a'],
  internalPort: [80, 3000],
  first: [1, 100],
  tail: [0, 1_000],
  after: ['0', '1'],
};

/** A value for an input of the schema: mostly one that fits, at its edges; now and then anything. */
export function valueOf(name: string, type: GraphQLInputType): Arbitrary<unknown> {
  const plain = getNullableType(type);
  const good = GOOD[name];
  const fitting: { weight: number; arbitrary: Arbitrary<unknown> }[] = [{ weight: 6, arbitrary: ofType(name, plain) }];
  if (good !== undefined) fitting.push({ weight: 14, arbitrary: fc.constantFrom(...good) });
  return fc.oneof(
    ...fitting,
    { weight: 1, arbitrary: anything },
    { weight: isNonNullType(type) ? 1 : 3, arbitrary: fc.constantFrom(null, undefined) },
  );
}

function ofType(name: string, type: GraphQLInputType): Arbitrary<unknown> {
  if (isListType(type)) return fc.array(valueOf(name, type.ofType), { maxLength: 3 });
  if (isEnumType(type))
    return fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...type.getValues().map((value) => value.name)) },
      { weight: 1, arbitrary: text },
    );
  if (isInputObjectType(type)) {
    const fields = fc.record(
      Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, valueOf(field.name, field.type)])),
    );
    const more = fc.option(
      fc.tuple(fc.constantFrom('userId', 'user_id', 'enabled', 'plan', 'status', ...NAMES), anything),
      { freq: 8 },
    );
    return fc
      .tuple(fields, more)
      .map(([own, extra]) => Object.fromEntries([...Object.entries(own), ...(extra === null ? [] : [extra])]));
  }
  if (isScalarType(type) && type.name === 'Boolean') return fc.boolean();
  if (isScalarType(type) && (type.name === 'Int' || type.name === 'Float')) return number;
  return text;
}
