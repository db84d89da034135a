import { expect, it } from 'vitest';
import { hideValues } from '../../../../src/reconciler/failure/hide-values.ts';

it.each<[string, string[], string[], string[]]>([
  ['a value, wherever it is and as often', ['a hunter22 b hunter22'], ['hunter22'], ['a ••• b •••']],
  ['each of many', ['one: first-1, two: second-2'], ['second-2', 'first-1'], ['one: •••, two: •••']],
  ['one that another is a part of', ['key=secret-and-more'], ['secret', 'secret-and-more'], ['key=•••']],
  ['the lines of one that has many', ['line-one', 'line-two', 'x'], ['line-one\r\nline-two\n'], ['•••', '•••', 'x']],
  ['what a pattern would take for something else', ['a.b*c$1'], ['a.b*c$1'], ['•••']],
  ['not what is too short to be one', ['yes 1000 true'], ['yes', '1000', 'true', ''], ['yes 1000 true']],
  ['nothing where there is nothing', ['plain'], [], ['plain']],
])('hides %s', (_what, lines, values, expected) => {
  expect(hideValues(lines, values)).toEqual(expected);
});
