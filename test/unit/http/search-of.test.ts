import { expect, it } from 'vitest';
import { searchOf } from '../../../src/http/request/search-of.ts';

it.each([
  [undefined, ''],
  ['/', ''],
  ['/vms?first=1', '?first=1'],
  ['/vms?next=/a?b=1', '?next=/a?b=1'],
  ['/vms?a=1#part?b', '?a=1'],
  ['/vms#part?a=1', ''],
  ['//', ''],
])('the query of %s is %s', (target, search) => {
  expect(searchOf(target)).toBe(search);
});
