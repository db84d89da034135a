import { parseArgs } from 'node:util';
import { readConfig } from '../config/read-config.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from './end-on-signal.ts';
import { runOrphans } from './run-orphans.ts';

const text = { type: 'string' } as const;

/** `swiftor orphans`. */
export async function orphans(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { user: text, region: text, distribution: text, desktop: text, cpu: text, ram: text, vmlabel: text },
  });
  const [action, id, ...more] = positionals;
  const { user, cpu, ram, ...rest } = values;
  const given = {
    ...rest,
    ...(user !== undefined && { userId: user }),
    ...(cpu !== undefined && { cpu: Number(cpu) }),
    ...(ram !== undefined && { ramGb: Number(ram) }),
  };
  const config = readConfig(process.env);
  // The command's error names an engine that cannot be reached.
  const log = await createLog({ level: 'silent' });
  const run = (command: Parameters<typeof runOrphans>[0]): Promise<void> => {
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    const note = (line: string): void => void process.stderr.write(`${line}\n`);
    return runOrphans(command, { config, log, print, note }, endOnSignal(log));
  };
  if (action === 'list' && id === undefined) return run({ action });
  if (action === 'remove' && id !== undefined && more.length === 0) return run({ action, id });
  if (action === 'adopt' && id !== undefined && more.length === 0) return run({ action, id, given });
  throw new Error('Write swiftor orphans list, adopt VM_ID or remove VM_ID; swiftor --help lists the options.');
}
