import { expect, it } from 'vitest';
import {
  containerNames,
  isContainerNameOf,
  volumeNameChoices,
} from '../../../../src/engine/docker/containers/machine-names.ts';
import { machineSpec } from '../../../support/engine/engines.ts';

it('names are the same each time, so that two calls at once meet', () => {
  const [name = ''] = containerNames('inst', { id: 'i', hash: 'h' });
  expect(containerNames('inst', { id: 'i', hash: 'h' }).slice(0, 3)).toEqual([name, `${name}-2`, `${name}-3`]);
  expect(volumeNameChoices('i', 'primary').slice(0, 2)).toEqual(['swiftor-i-primary', 'swiftor-i-primary-2']);
});

it("a container's name tells nothing of its machine, and the driver knows it, as those from before", () => {
  const spec = machineSpec();
  const [name = ''] = containerNames('inst', spec);
  expect(name).not.toContain(spec.id);
  expect(containerNames('another', spec)).not.toContain(name);
  for (const own of [name, `swiftor-${spec.id}-${spec.hash}`])
    expect(isContainerNameOf('inst', spec.id, own)).toBe(true);
  expect(isContainerNameOf('inst', machineSpec().id, name)).toBe(false);
});
