import { z } from 'zod';

/** A check of the CIS Docker Benchmark 1.6, section 5, that a container does not pass, with the reason. */
export const exceptionSchema = z.strictObject({
  check: z.string().regex(/^5\.\d{1,2}$/, 'must be the number of a check, such as 5.22'),
  reason: z.string().min(10).max(400),
});

/** The exceptions of every image, to be combined with an entry's own. */
export const SHARED_EXCEPTIONS: readonly z.input<typeof exceptionSchema>[] = [
  {
    check: '5.13',
    reason:
      'Users change their VMs, and the images write all over their file system at each start (s6-overlay does ' +
      'not boot otherwise).',
  },
  {
    check: '5.27',
    reason: 'The gateway probes the app over the network every few seconds and reports the result as the status.',
  },
];

interface Privileges {
  readonly devices: readonly string[];
  readonly seccomp: 'default' | 'unconfined';
  readonly noNewPrivileges: boolean;
  readonly exceptions: readonly z.output<typeof exceptionSchema>[];
}

/** What is wrong with an entry's exceptions: extra privileges need a reason, and reasons without need are refused. */
export function findExceptionProblems({ devices, seccomp, noNewPrivileges, exceptions }: Privileges): string[] {
  const required = { '5.18': devices.length > 0, '5.22': seccomp === 'unconfined', '5.26': !noNewPrivileges };
  return Object.entries(required)
    .filter(([check, isNeeded]) => exceptions.some((exception) => exception.check === check) !== isNeeded)
    .map(([check, isNeeded]) =>
      isNeeded
        ? `must give the reason for its exception from check ${check}`
        : `must not name check ${check}, which the entry passes`,
    );
}
