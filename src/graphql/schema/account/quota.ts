import type { QUOTA_DIMENSIONS, QuotaViolation as Violation } from '../../../vm/limits.ts';
import { builder } from '../builder.ts';

const descriptions = {
  CPU: { description: 'vCPU cores over all enabled VMs.' },
  RAM: { description: 'GB of memory over all enabled VMs.' },
  STORAGE: { description: 'GB measured over all persistent volumes.' },
  CONCURRENT_VMS: { description: 'The number of enabled VMs.' },
  VMS: { description: 'The total number of VMs, on or off. The only limit that createVm checks.' },
} as const satisfies Record<(typeof QUOTA_DIMENSIONS)[number], object>;

const QuotaDimension = builder.enumType('QuotaDimension', { description: 'A limit of a plan.', values: descriptions });

/** The items of `extensions.violations` of a QUOTA_EXCEEDED error have the same shape. */
export const QuotaViolation = builder.objectRef<Violation>('QuotaViolation').implement({
  description: 'A limit that a start (for VMS: a creation) would exceed: `used + requested > limit`.',
  fields: (t) => ({
    dimension: t.field({
      type: QuotaDimension,
      description: 'What is limited.',
      resolve: ({ dimension }) => dimension,
    }),
    limit: t.exposeFloat('limit', { description: 'What the plan allows.' }),
    used: t.exposeFloat('used', {
      description: "What the account's other enabled VMs use; for STORAGE, all its volumes.",
    }),
    requested: t.exposeFloat('requested', { description: 'What this VM would add.' }),
    unit: t.exposeString('unit', { description: 'The unit of the three numbers: "vCPU", "GB" or "VMs".' }),
    message: t.exposeString('message', { description: 'A human-readable message.' }),
  }),
});
