import { EngineError } from '../../engine-error.ts';
import { readScript } from '../shell/read-script.ts';
import type { HostCommands } from './host-commands.ts';

const SCRIPT = readScript('missing-devices');

/** See `EngineDriver.findMissingDevices`. */
export async function findMissingDevices(
  host: HostCommands,
  devices: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (devices.length === 0) return [];
  const { exitCode, stdout, stderr } = await host.run(
    {
      what: 'look for devices',
      argv: ['sh', '-c', SCRIPT, 'sh', ...devices],
      binds: [{ source: '/dev', target: '/host-dev', shallow: true }],
    },
    signal,
  );
  if (exitCode !== 0)
    throw new EngineError(
      'ENGINE_REFUSED',
      `The devices of the engine's host could not be looked for: ${stderr.trim()}`,
    );
  return stdout.split('\n').filter((line) => line !== '');
}
