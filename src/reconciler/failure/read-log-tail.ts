import type { MachineLogLine } from '../../engine/machine.ts';
import { hideValues } from './hide-values.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

const LOG_TAIL = 20;
/** A quick app may write before the engine notes that it has started it. */
const LOG_SLACK_MS = 1_000;

/** Reads the last lines of the present run, without the values of secrets. Lines of an earlier run would mislead. */
export async function readLogTail(
  iteration: Pick<VmIteration, 'driver' | 'vm' | 'signal' | 'observed' | 'spec' | 'distribution'>,
): Promise<string[]> {
  const { driver, vm, signal, observed, spec, distribution } = iteration;
  const since =
    observed?.startedAt === undefined ? {} : { since: new Date(observed.startedAt.getTime() - LOG_SLACK_MS) };
  const lines: MachineLogLine[] = [];
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
    for await (const line of driver.logs(vm.id, { tail: LOG_TAIL, follow: false, ...since }, deadline))
      lines.push(line);
  } catch {
    // A failure is worth reporting without its last lines, too.
  }
  const secret = Object.entries(spec?.env ?? {}).filter(([name, value]) => distribution?.env[name] !== value);
  const texts = lines.slice(-LOG_TAIL).map(({ text }) => text);
  return hideValues(
    texts,
    secret.map(([, value]) => value),
  ).map((text) => text.slice(0, 500));
}
