import type { MachineLogLine } from '../../engine/machine.ts';
import { hideValues } from './hide-values.ts';
import type { VmPass } from '../pass/vm-pass.ts';

const LOG_TAIL = 20;
/** A quick app may write before the engine notes that it has started it. */
const LOG_SLACK_MS = 1_000;

/** The last lines of the run at hand, without the values of its secrets: an earlier one's would only mislead. */
export async function readLogTail({
  driver,
  vm,
  signal,
  observed,
  spec,
  distribution,
}: Pick<VmPass, 'driver' | 'vm' | 'signal' | 'observed' | 'spec' | 'distribution'>): Promise<string[]> {
  const since = observed?.startedAt === undefined ? {} : { since: new Date(observed.startedAt.getTime() - LOG_SLACK_MS) };
  const lines: MachineLogLine[] = [];
  try {
    const quick = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
    for await (const line of driver.logs(vm.id, { tail: LOG_TAIL, follow: false, ...since }, quick)) lines.push(line);
  } catch {
    // A failure without its last lines is still worth telling.
  }
  const secret = Object.entries(spec?.env ?? {}).filter(([name, value]) => distribution?.env[name] !== value);
  const texts = lines.slice(-LOG_TAIL).map(({ text }) => text);
  return hideValues(
    texts,
    secret.map(([, value]) => value),
  ).map((text) => text.slice(0, 500));
}
