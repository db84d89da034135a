import fc from 'fast-check';
import { execute, getOperationAST, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { VmEvent } from '../src/events/vm-event.ts';
import { compileEventWriter } from '../src/graphql/event-writer.ts';
import { schema } from '../src/graphql/schema.ts';

const CHANGED: VmEvent = {
  seq: 7,
  kind: 'CHANGED',
  vmId: 'a2f1c1d2-1111-4222-8333-123456789abc',
  status: 'RUNNING',
  previousStatus: 'BOOTING',
  reason: 'BOOT',
  at: '2026-11-24T09:30:00.123Z',
};
const SNAPSHOT: VmEvent = { seq: 8, kind: 'SNAPSHOT', vmId: CHANGED.vmId, status: 'STOPPED', at: CHANGED.at };
const LINE = { at: new Date(CHANGED.at), stream: 'stdout', text: 'it said "hello"\u2028 and \\ left' };

/** The document is valid: what is not never comes so far. */
function compile(text: string, operationName?: string) {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = getOperationAST(document, operationName);
  if (operation == null) throw new Error('The document has no such operation.');
  return { document, write: compileEventWriter({ schema, document, operation }) };
}

/** What the language's own executor answers. */
function executed(text: string, event: unknown, operationName?: string): string {
  const result = execute({ schema, document: parse(text), operationName, rootValue: event, contextValue: {} });
  if (result instanceof Promise) throw new Error('Plain values need no promise.');
  return JSON.stringify(result);
}

describe('an event is written as an executor would', () => {
  test.each<[string, string, unknown, string?]>([
    ['all of its values', 'subscription { vmEvents { seq kind vmId status previousStatus reason at } }', CHANGED],
    ['what it does not have', 'subscription { vmEvents { previousStatus reason seq } }', SNAPSHOT],
    ['other names', 'subscription { happened: vmEvents { number: seq what: kind constructor: at } }', CHANGED],
    ['the name of its type', 'subscription { vmEvents { __typename seq type: __typename } }', CHANGED],
    ['the same twice', 'subscription { vmEvents { seq kind seq } vmEvents { at } }', CHANGED],
    [
      'fragments',
      'subscription { ...Top } fragment Top on Subscription { vmEvents { ...All ... { at } ...All } } fragment All on VmEvent { seq ... on VmEvent { kind } }',
      CHANGED,
    ],
    ['arguments of the subscription itself', 'subscription ($after: String) { vmEvents(after: $after) { seq } }', CHANGED],
    ['one of several operations', 'query A { __typename } subscription B { vmEvents { seq } }', CHANGED, 'B'],
    ['text that JSON has to escape', 'subscription { vmLogs(vmId: "1") { at stream text } }', LINE],
    [
      'numbers',
      'subscription { vmStats(vmId: "1") { cpuPercent memoryBytes } }',
      { at: new Date(CHANGED.at), cpuPercent: 12.5, memoryBytes: 2 ** 40 },
    ],
  ])('%s', (_what, text, event, operationName) => {
    expect(compile(text, operationName).write?.(event)).toBe(executed(text, event, operationName));
  });

  test('whatever is asked for in whatever order', () => {
    const field = fc.constantFrom('seq', 'kind', 'vmId', 'status', 'previousStatus', 'reason', 'at', '__typename');
    const alias = fc.option(fc.stringMatching(/^[a-zA-Z]\w{0,5}$/), { nil: undefined });
    const plain = fc.record({ field, alias }).map((each) => (each.alias === undefined ? each.field : `${each.alias}: ${each.field}`));
    const selections = fc.array(
      fc.oneof(
        plain,
        fc.array(plain, { minLength: 1 }).map((inner) => `... on VmEvent { ${inner.join(' ')} }`),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(selections, fc.constantFrom(CHANGED, SNAPSHOT), (asked, event) => {
        const text = `subscription { vmEvents { ${asked.join(' ')} } }`;
        // One name for two fields is refused before.
        fc.pre(validate(schema, parse(text)).length === 0);
        expect(compile(text).write?.(event)).toBe(executed(text, event));
      }),
      { numRuns: 500 },
    );
  });

  test('one after the other, and the same again', () => {
    const { write } = compile('subscription { vmEvents { seq } }');
    expect([CHANGED, SNAPSHOT, SNAPSHOT, CHANGED].map((each) => write?.(each))).toEqual(
      [7, 8, 8, 7].map((seq) => `{"data":{"vmEvents":{"seq":"${seq}"}}}`),
    );
  });
});

describe('an executor is left what is not plain', () => {
  test.each([
    ['what is fetched', 'subscription { vmEvents { seq vm { id } } }'],
    ['what may be skipped', 'subscription ($no: Boolean!) { vmEvents { seq kind @skip(if: $no) } }'],
    ['a fragment that may be skipped', 'subscription ($no: Boolean!) { vmEvents { seq ... @include(if: $no) { kind } } }'],
    ['a name that objects keep for themselves', 'subscription { vmEvents { seq __proto__: kind } }'],
    ['the name of the root alone', 'subscription { __typename }'],
  ])('%s', (_what, text) => {
    const document = parse(text);
    const operation = getOperationAST(document);
    if (operation == null) throw new Error('The document has no operation.');
    expect(compileEventWriter({ schema, document, operation })).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['a value that its type does not know', { ...CHANGED, status: 'ON_FIRE' }],
    ['a value that must be there and is not', { ...CHANGED, vmId: null }],
    ['a value that throws', { ...CHANGED, at: new Date(Number.NaN) as never }],
    ['a value that is an error', { ...CHANGED, vmId: new Error('lost') }],
    ['a value that is still to come', { ...CHANGED, reason: Promise.resolve('BOOT') }],
    ['a value that has to be called', { ...CHANGED, vmId: () => 'a' }],
    ['no event at all', null],
    ['an error instead of an event', new Error('lost')],
  ])('%s', (_what, event) => {
    const { write } = compile('subscription { vmEvents { seq status vmId reason at } }');
    expect(write?.(event)).toBeUndefined();
    expect(write?.(CHANGED)).toContain('"seq":"7"');
  });
});
