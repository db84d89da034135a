import { expect, it } from 'vitest';
import { withBinds } from '../../../../src/engine/cluster/with-binds.ts';
import { machineSpec } from '../../../support/engine/engines.ts';

it.each([
  ['0.0.0.0', '0.0.0.0'],
  ['127.0.0.1', '127.0.0.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['10.0.0.1', '10.0.0.7'],
  ['203.0.113.9', '10.0.0.7'],
])('a port that listens on %s does so on %s of the node 10.0.0.7', (bind, expected) => {
  const port = { protocol: 'tcp', internalPort: 1, publicPort: 2, bind } as const;
  expect(withBinds(machineSpec({ ports: [port] }), '10.0.0.7').ports).toEqual([{ ...port, bind: expected }]);
});
