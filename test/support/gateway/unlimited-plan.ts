/** A plan for tests that are not about quotas: each gateway of `createTestGateway` has it. */
export const UNLIMITED_PLAN = {
  code: 'unlimited',
  name: 'Unlimited',
  cpu: 1000,
  ram: 1000,
  storageGb: 1000,
  concurrentVms: 1000,
  vms: 10_000,
} as const;
