import { z } from 'zod';

export const planSchema = z.strictObject({
  code: z.string().regex(/^[a-z0-9-]{1,40}$/),
  name: z.string().min(1).max(80),
  /** vCPU cores of all enabled VMs of the account together. */
  cpu: z.int().min(0),
  /** GB of memory of all enabled VMs together. */
  ram: z.int().min(0),
  /** GB of all persistent volumes of the account together. */
  storageGb: z.int().min(0),
  /** The maximum of enabled VMs. */
  concurrentVms: z.int().min(0),
  /** The maximum of VMs, enabled or not. Keeps an account from filling the database and the engines. */
  vms: z.int().min(0).default(250),
});

export type Plan = z.output<typeof planSchema>;

/** The built-in plans. */
export const PLANS: readonly Plan[] = [
  { code: 'core', name: 'Core', cpu: 1, ram: 2, storageGb: 2, concurrentVms: 1, vms: 50 },
  { code: 'hacker', name: 'Hacker', cpu: 4, ram: 8, storageGb: 30, concurrentVms: 3, vms: 100 },
  { code: 'engineer', name: 'Engineer', cpu: 8, ram: 16, storageGb: 150, concurrentVms: 6, vms: 250 },
];
