import { LABEL } from '../../engine/labels.ts';
import type { Vm } from '../vm.ts';

/** What the owner ordered: enough to recreate the VM's row. */
export type VmOrder = Pick<Vm, 'userId' | 'vmlabel' | 'region' | 'distribution' | 'desktop' | 'cpu' | 'ramGb'>;

/** The order as labels. They tell an operator whose a container or volume is if its row is lost. */
export function toOrderLabels({
  userId,
  vmlabel,
  region,
  distribution,
  desktop,
  cpu,
  ramGb,
}: VmOrder): Record<string, string> {
  return {
    [LABEL.user]: userId,
    [LABEL.vmlabel]: vmlabel,
    [LABEL.region]: region,
    [LABEL.distribution]: distribution,
    ...(desktop !== null && { [LABEL.desktop]: desktop }),
    [LABEL.cpu]: String(cpu),
    [LABEL.ram]: String(ramGb),
  };
}

/** The part of the order that the labels hold. Older versions wrote none. */
export function fromOrderLabels(labels: Readonly<Record<string, string>>): Partial<VmOrder> {
  const {
    [LABEL.user]: userId,
    [LABEL.vmlabel]: vmlabel,
    [LABEL.region]: region,
    [LABEL.distribution]: distribution,
  } = labels;
  const { [LABEL.desktop]: desktop, [LABEL.cpu]: cpu, [LABEL.ram]: ram } = labels;
  return {
    ...(userId !== undefined && { userId }),
    ...(vmlabel !== undefined && { vmlabel }),
    ...(region !== undefined && { region }),
    ...(distribution !== undefined && { distribution }),
    ...(desktop !== undefined && { desktop }),
    ...(cpu !== undefined && { cpu: Number(cpu) }),
    ...(ram !== undefined && { ramGb: Number(ram) }),
  };
}
