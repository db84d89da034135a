import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { EngineError } from '../../engine-error.ts';
import type { FileProblem } from '../../files.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';
import { LINK, NOT_FOUND } from './list-files.ts';

const SCRIPT = readScript('finish-file');
const NOT_WHOLE = 46;
const DIRECTORY = 47;
export const FINISH_MILLISECONDS = 60_000;
const TRANSFER_MILLISECONDS = 6 * 3_600_000;

export interface Upload {
  /** The volume's place. The file is at its top until it is whole. */
  readonly volume: string;
  readonly uploaded: string;
  readonly file: string;
  readonly bytes: number;
  readonly makesParents: boolean;
}

/** Gives an uploaded file its place, or removes it. */
export function finishCommand({ volume, uploaded, file, bytes, makesParents }: Upload): HostCommand {
  const path = file.slice(volume.length + 1);
  const parents = makesParents ? 'make' : 'require';
  return {
    what: 'finish a file',
    argv: ['sh', '-c', SCRIPT, 'finish-file', volume, uploaded, path, String(bytes), parents],
    capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    milliseconds: FINISH_MILLISECONDS,
  };
}

export function readFinish(exitCode: number): FileProblem | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === NOT_FOUND) return 'not-found';
  if (exitCode === LINK) return 'link';
  if (exitCode === DIRECTORY) return 'no-file';
  if (exitCode === NOT_WHOLE) return 'not-whole';
  throw new EngineError('ENGINE_REFUSED', `A file could not be finished: exit code ${exitCode}.`);
}

/** Sends a file into a directory of the container. Resolves to why it is not there in whole. */
export async function putFile(
  call: EngineCall,
  container: Docker.Container,
  { directory, name, bytes, content }: { directory: string; name: string; bytes: number; content: Readable },
  signal: AbortSignal,
): Promise<FileProblem | undefined> {
  const archive = pack();
  const cut = (error?: Error | null): void => void archive.destroy(error ?? undefined);
  archive.on('error', () => undefined);
  content.on('error', cut);
  const entry = archive.entry({ name, size: bytes, mode: 0o600 }, (error) => (error ? cut(error) : archive.finalize()));
  entry.on('error', cut);
  content.pipe(entry);
  const put = async (abortSignal: AbortSignal) => {
    abortSignal.addEventListener('abort', () => cut(), { once: true });
    await container.putArchive(archive, { path: directory, abortSignal });
  };
  try {
    await call('write a file', signal, put, { milliseconds: TRANSFER_MILLISECONDS });
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'NO_SPACE') return 'no-space';
    if (signal.aborted || content.errored !== null || content.destroyed) return 'not-whole';
    throw error;
  } finally {
    content.unpipe(entry);
    cut();
  }
}
