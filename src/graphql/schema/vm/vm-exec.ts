import { vmExec, type VmExecResult as Result } from '../../../vm/inside/vm-exec.ts';
import { builder } from '../builder.ts';

const VmExecResult = builder.objectRef<Result>('VmExecResult').implement({
  description: 'How a program has ended in a VM. Output that is not UTF-8 has replacement characters.',
  fields: (t) => ({
    exitCode: t.exposeInt('exitCode', { description: 'Its exit code; 128 and the number of a signal that ended it.' }),
    stdout: t.exposeString('stdout', { description: 'What it wrote to stdout, at most 256 KiB.' }),
    stderr: t.exposeString('stderr', { description: 'What it wrote to stderr, at most 256 KiB.' }),
    stdoutTruncated: t.exposeBoolean('stdoutTruncated', { description: 'Whether it wrote more to stdout.' }),
    stderrTruncated: t.exposeBoolean('stderrTruncated', { description: 'Whether it wrote more to stderr.' }),
  }),
});

builder.mutationFields((t) => ({
  vmExec: t.field({
    type: VmExecResult,
    description:
      "Runs a program in a VM's container, without input, and waits for its end. There is no shell in between: for " +
      'one, run `["sh", "-c", "…"]`. It runs as the user of the terminal (`shellUser` of the catalog, else the ' +
      "image's own) with the container's environment. Errors: NOT_FOUND; BAD_USER_INPUT, also if there is no such " +
      'program; CONFLICT unless the VM is RUNNING or DEGRADED, and for an image without /bin/sh; TIMED_OUT, after ' +
      'which the program and what it started have been killed; RATE_LIMITED above 8 programs at a time in a VM or 32 ' +
      "in an account's; UNAVAILABLE while the engine does not answer.",
    args: {
      vmId: t.arg.id({ description: 'The VM.' }),
      command: t.arg.stringList({ description: 'The program and its arguments, at most 256 and 64 KiB.' }),
      timeoutSeconds: t.arg.int({
        required: false,
        defaultValue: 10,
        description: 'How long it may run, 1 to 50 seconds.',
      }),
    },
    resolve: (_root, { vmId, command, timeoutSeconds }, context) =>
      vmExec(context, context.viewer, vmId, { command, timeoutSeconds: timeoutSeconds ?? 10 }),
  }),
}));
