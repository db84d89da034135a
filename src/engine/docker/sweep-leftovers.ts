import type Docker from 'dockerode';
import type { Log } from '../../log.ts';
import { LABEL } from '../labels.ts';
import type { Containers } from './containers/containers.ts';
import type { EngineCall } from './connection/engine-call.ts';
import type { MachineFiles } from './files/machine-files.ts';
import { isAbandoned } from './host/is-abandoned.ts';
import { expectList } from './connection/expect-list.ts';
import type { StorageProbe } from './storage/storage-probe.ts';

interface SweepTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly probe: StorageProbe;
  readonly files: MachineFiles;
  readonly installationId: string;
  readonly log: Log;
}

/** See `EngineDriver.sweep`. */
export async function sweepLeftovers(tools: SweepTools, signal: AbortSignal): Promise<void> {
  const { docker, call, containers, probe, files, installationId, log } = tools;
  const label = [`${LABEL.installation}=${installationId}`, LABEL.command];
  const [commands, probes] = await Promise.all([
    call('list the commands', signal, async (abortSignal) =>
      expectList(await docker.listContainers({ all: true, filters: { label }, abortSignal })),
    ),
    probe.list(signal),
  ]);
  if (commands.length === 0 && probes.length === 0) return;
  const now = await readClock(tools, signal);
  for (const { Id } of commands) {
    const details = await containers.inspect(Id, signal);
    if (details === undefined || !isAbandoned(details, now)) continue;
    await files.removeLeft(details, signal);
    await containers.remove(Id, signal);
    log.info({ container: Id }, 'removed the container of an abandoned host command');
  }
  // After the containers, which may use a probe's volume.
  for (const one of probes) await probe.sweep(one, now, signal);
}

/** The engine's time, in ms since the epoch. */
async function readClock({ docker, call }: SweepTools, signal: AbortSignal): Promise<number> {
  // The type lacks the options.
  const info: (options: { abortSignal: AbortSignal }) => Promise<{ SystemTime?: unknown }> = docker.info.bind(docker);
  const { SystemTime } = await call('report its system information', signal, (abortSignal) => info({ abortSignal }));
  const now = typeof SystemTime === 'string' ? Date.parse(SystemTime) : Number.NaN;
  if (Number.isNaN(now)) throw new TypeError('The engine does not report its time.');
  return now;
}
