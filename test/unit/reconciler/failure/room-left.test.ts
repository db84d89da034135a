import { expect, it } from 'vitest';
import { MAX_VMS, roomLeft } from '../../../../src/reconciler/iteration/room-left.ts';
import type { Duty } from '../../../../src/reconciler/iteration/vm-lease.ts';

const held = (count: number, duty: Duty): Duty[] => Array.from({ length: count }, () => duty);

it.each<[string, readonly Duty[], object]>([
  ['nothing', [], MAX_VMS],
  ['some of each', [...held(3, 'work'), ...held(5, 'look')], { work: MAX_VMS.work - 3, look: MAX_VMS.look - 5 }],
  ['as many as there may be', [...held(MAX_VMS.work, 'work'), 'look'], { work: 0, look: MAX_VMS.look - 1 }],
  ['looks that became work while others were claimed', held(MAX_VMS.work + 30, 'work'), { ...MAX_VMS, work: 0 }],
])('a gateway that holds %s claims no more than there is room for', (_what, duties, expected) => {
  expect(roomLeft(duties)).toEqual(expected);
});
