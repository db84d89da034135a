import type { ObjectRef } from '@pothos/core';
import type { OfVm } from '../../../vm/vm.ts';
import { builder } from '../builder.ts';
import { Vm } from './vm.ts';

/** Of the field that leads back to the VM: a document must not multiply its answer by going back and forth. */
const OWNER_COST = { field: 1, multiplier: 10 } as const;

/** Adds the fields of a type whose objects belong to a VM: its id, and the VM itself. */
export function addVmFields<T extends OfVm<{ readonly vmId: string }>>(
  type: ObjectRef<typeof builder.$inferSchemaTypes, T>,
): void {
  builder.objectFields(type, (t) => ({
    vmId: t.id({ description: 'The VM.', resolve: ({ vmId }) => vmId }),
    vm: t.field({
      type: Vm,
      complexity: OWNER_COST,
      description: 'The VM that it belongs to.',
      resolve: ({ vm }) => vm,
    }),
  }));
}
