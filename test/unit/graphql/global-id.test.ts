import fc from 'fast-check';
import { isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { NODE_TYPES, parseGlobalId, toGlobalId, type NodeType } from '../../../src/graphql/schema/global-id.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { isUuid } from '../../../src/lib/is-uuid.ts';

const OTHERS = NODE_TYPES.filter((type): type is Exclude<NodeType, 'Vm'> => type !== 'Vm');
/** Texts of any characters. Not a string of fast-check's unit `binary`, which takes a second to list them all. */
const anyText = fc
  .array(fc.oneof(fc.integer({ max: 0xd7ff, min: 0 }), fc.integer({ max: 0x10ffff, min: 0xe000 })))
  .map((codes) => String.fromCodePoint(...codes));
const anyKey = fc.array(anyText, { maxLength: 3 });

describe('a global id', () => {
  it('names one object, by whatever key, and is never the id of a VM', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OTHERS), anyKey, (type, key) => {
        const id = toGlobalId(type, ...key);
        expect(isUuid(id)).toBe(false);
        expect(parseGlobalId(id)).toEqual({ type, key });
      }),
    );
  });

  it('of a VM is its UUID, in whatever case', () => {
    const id = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
    expect(parseGlobalId(id.toUpperCase())).toEqual({ type: 'Vm', key: [id] });
  });

  it('is nothing else: no other text for the same object, and no text that only looks like one', () => {
    const id = toGlobalId('Region', 'AU');
    const encode = (text: string): string => Buffer.from(text).toString('base64url');
    for (const text of [
      '',
      'x',
      `${id}=`,
      ` ${id}`,
      encode('["Region", "AU"]'),
      encode('["Region",1]'),
      encode('["Vm","1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f"]'),
      encode('["__proto__","x"]'),
      encode('["Query"]'),
      encode('{}'),
      encode('[]'),
    ])
      expect([text, parseGlobalId(text)]).toEqual([text, undefined]);
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = parseGlobalId(text);
        expect(parsed === undefined || parsed.type === 'Vm' || toGlobalId(parsed.type, ...parsed.key) === text).toBe(
          true,
        );
      }),
    );
  });
});

/** Their ids are UUIDs of their own, and `Query.node` does not find them. */
const NO_NODES = ['ApiToken', 'OpenAccess'];

it('every type that implements Node is known, and every other type with a field `id`', () => {
  const node = schema.getType('Node');
  const possible = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
  expect(possible.toSorted()).toEqual([...NODE_TYPES]);
  const withId = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && 'id' in type.getFields());
  expect(withId.map(({ name }) => name).toSorted()).toEqual([...NODE_TYPES, ...NO_NODES].toSorted());
});
