import { expect, it } from 'vitest';
import { needsOfFiles } from '../../../tools/prepare/needs-of-files.ts';

it.each([
  [[], 'everything'],
  [['--bail', '1'], 'everything'],
  [['test/unit/turns.test.ts'], 'nothing'],
  [['test/database', 'test/load/fuzz.test.ts'], 'nothing'],
  [['./test/unit/', '--reporter=dot'], 'nothing'],
  [['test/unit/turns.test.ts', 'test/engine/driver.test.ts'], 'engine'],
  [['test/engine', 'test/browser'], 'everything'],
  [['turns'], 'everything'],
  [['test/united.test.ts'], 'everything'],
])('npm test -- %j prepares %s', (args, needs) => {
  expect(needsOfFiles(args)).toBe(needs);
});
