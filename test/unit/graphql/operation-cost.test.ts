import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { costOf } from '../../../src/graphql/pipeline/operation-cost.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';

const cost = (document: ReturnType<typeof parse>, variableValues: Record<string, unknown> = {}) =>
  costOf({ schema, document, variableValues });

describe('the changes of an operation', () => {
  const STOP = 'stopVm(vmId: "1") { id }';
  it.each([
    ['{ vms { totalCount } }', 0],
    [`mutation { ${STOP} }`, 1],
    [`mutation { a: ${STOP} b: ${STOP} }`, 2],
    [`mutation { ... { a: ${STOP} b: ${STOP} } }`, 2],
    [`mutation { ...Two c: ${STOP} } fragment Two on Mutation { a: ${STOP} ... on Mutation { b: ${STOP} } }`, 3],
  ])('%s: %d', (query, changes) => {
    expect(cost(parse(query))).toEqual({ points: Math.max(1, changes * 5), changes });
  });
});

it('a variable that is absent has its default, which null has not', () => {
  const query = 'query ($first: Int = 100) { vms(first: $first) { nodes { secrets { key } networking { name } } } }';
  const document = parse(query);
  const [absent, none, one] = [cost(document), cost(document, { first: null }), cost(document, { first: 1 })];
  expect(cost(parse(query), { first: null })).toEqual(none);
  expect(cost(parse(query), { first: 1 })).toEqual(one);
  expect(cost(parse(query))).toEqual(absent);
});
