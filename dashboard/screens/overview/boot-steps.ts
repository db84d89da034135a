import type { Vm, VmStatus } from '../../api/vm-fields.ts';

const STEPS = ['QUEUED', 'PULLING', 'STARTING', 'BOOTING'] as const satisfies readonly VmStatus[];

/** A step of the present or last attempt. */
export interface BootStep {
  readonly status: (typeof STEPS)[number];
  readonly state: 'done' | 'now' | 'failed' | 'to-come' | 'skipped';
  readonly seconds: number | undefined;
  readonly startedAt: string | undefined;
}

/** The steps of the last attempt of a boot; empty before the first start. Pure. */
export function bootSteps({ boot, status }: Pick<Vm, 'boot' | 'status'>): BootStep[] {
  const all = boot?.steps ?? [];
  const attempt = all.at(-1)?.attempt;
  if (attempt === undefined) return [];
  const own = all.filter((step) => step.attempt === attempt);
  const present = STEPS.findIndex((each) => each === status);
  const reached = Math.max(...own.map((step) => STEPS.findIndex((each) => each === step.status)));
  return STEPS.map((each, index) => {
    const step = own.find((one) => one.status === each);
    const base = { status: each, seconds: step?.seconds ?? undefined, startedAt: step?.startedAt };
    if (present >= 0)
      return {
        ...base,
        state: index < present ? (step === undefined ? 'skipped' : 'done') : index === present ? 'now' : 'to-come',
      };
    if (step === undefined)
      return { ...base, state: index <= reached ? 'skipped' : status === 'FAILED' ? 'to-come' : 'skipped' };
    return { ...base, state: status === 'FAILED' && index === reached ? 'failed' : 'done' };
  });
}
