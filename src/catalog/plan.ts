import { z } from 'zod';

export const planSchema = z.strictObject({
  code: z.string().regex(/^[a-z0-9-]{1,40}$/),
  name: z.string().min(1).max(80),
  /** vCPU cores, over all enabled VMs of the account. */
  cpu: z.int().min(0),
  /** GB of memory, likewise. */
  ram: z.int().min(0),
  /** GB, over all persistent volumes of the account. */
  storageGb: z.int().min(0),
  /** VMs that may be enabled at the same time. */
  concurrentVms: z.int().min(0),
  /** VMs that the account may have, on or off: what keeps one account from filling the database and the engines. */
  vms: z.int().min(0).default(250),
});

export type Plan = z.output<typeof planSchema>;

/** The seed's table; its "Concurrent VMs" come without numbers, these are ours, and so is how many there may be in all. */
export const PLANS: readonly Plan[] = [
  { code: 'core', name: 'Core', cpu: 1, ram: 2, storageGb: 2, concurrentVms: 1, vms: 50 },
  { code: 'hacker', name: 'Hacker', cpu: 4, ram: 8, storageGb: 30, concurrentVms: 3, vms: 100 },
  { code: 'engineer', name: 'Engineer', cpu: 8, ram: 16, storageGb: 150, concurrentVms: 6, vms: 250 },
];
