import type { QUOTA_DIMENSIONS, QuotaViolation as Violation } from '../../vm/limits.ts';
import { builder } from './builder.ts';

const descriptions = {
  CPU: { description: 'vCPU cores over all enabled VMs.' },
  RAM: { description: 'GB of memory over all enabled VMs.' },
  STORAGE: { description: 'GB measured over all persistent volumes.' },
  CONCURRENT_VMS: { description: 'How many VMs are enabled.' },
  VMS: { description: 'How many VMs there are, on or off: the only one that createVm is refused for.' },
} as const satisfies Record<(typeof QUOTA_DIMENSIONS)[number], object>;

const QuotaDimension = builder.enumType('QuotaDimension', { description: 'What a plan limits.', values: descriptions });

/** Also the shape of `extensions.violations` of a QUOTA_EXCEEDED error. */
export const QuotaViolation = builder.objectRef<Violation>('QuotaViolation').implement({
  description: 'One limit that a start, or for VMS a creation, would pass: `used + requested > limit`.',
  fields: (t) => ({
    dimension: t.field({ type: QuotaDimension, description: 'What is limited.', resolve: ({ dimension }) => dimension }),
    limit: t.exposeFloat('limit', { description: 'What the plan allows.' }),
    used: t.exposeFloat('used', { description: "What the account's other enabled VMs use; for STORAGE all its volumes." }),
    requested: t.exposeFloat('requested', { description: 'What this VM would add.' }),
    unit: t.exposeString('unit', { description: 'Of the three numbers: "vCPU", "GB" or "VMs".' }),
    message: t.exposeString('message', { description: 'The same as a sentence for a person.' }),
  }),
});
