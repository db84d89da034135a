import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  toSharedEngineNames,
  type SharedEngineNames,
} from '../../../src/engine/docker/containers/shared-engine-names.ts';
import { docker } from './engines.ts';

const run = promisify(execFile);

type Argv = [program: string, ...args: string[]];

/** What runs a program of this machine as root. */
export function asRootArgv(...argv: Argv): Argv {
  return process.getuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
}

/** Runs a program of this machine as root, which the tests of its firewall need; what it printed. */
export async function asRoot(...argv: Argv): Promise<string> {
  const [program, ...args] = asRootArgv(...argv);
  const { stdout } = await run(program, args);
  return stdout;
}

export interface TestEngineNames extends AsyncDisposable {
  readonly engineNames: SharedEngineNames;
}

/**
 * Networks, firewall chains and a watchdog of the test's own, so that it can take them away without opening others'
 * machines.
 */
export function createTestEngineNames(): TestEngineNames {
  const engineNames = toSharedEngineNames(`sw${randomBytes(2).toString('hex')}`);
  return { engineNames, [Symbol.asyncDispose]: () => removeShared(engineNames) };
}

async function removeShared({ watchdog, networks, chains }: SharedEngineNames): Promise<void> {
  const names = Object.values(networks);
  const containers = await docker.listContainers({ all: true, filters: { network: names } });
  const refs = [watchdog, ...containers.map(({ Id }) => Id)];
  await Promise.allSettled(refs.map((ref) => docker.getContainer(ref).remove({ force: true, v: true })));
  await Promise.allSettled(names.map((name) => docker.getNetwork(name).remove()));
  const own = Object.values(chains);
  for (const tool of ['iptables', 'ip6tables'] as const) {
    const rules = (await asRoot(tool, '-w', '5', '-S')).split('\n');
    const jumps = rules.filter((rule) =>
      own.some((chain) => rule.startsWith('-A ') && !rule.startsWith('-A SW') && rule.endsWith(`-j ${chain}`)),
    );
    for (const jump of jumps) await asRoot(tool, '-w', '5', '-D', ...jump.split(' ').slice(1));
    const present = own.filter((chain) => rules.includes(`-N ${chain}`));
    for (const chain of present) await asRoot(tool, '-w', '5', '-F', chain);
    for (const chain of present) await asRoot(tool, '-w', '5', '-X', chain);
  }
}
