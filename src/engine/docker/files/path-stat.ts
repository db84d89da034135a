import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

/** Of Go's os.FileMode, in which the engine reports it. */
const DIRECTORY = 0x8000_0000;
const SYMBOLIC_LINK = 0x0800_0000;
const TYPE = 0x8f28_0000;

export type PathKind = 'file' | 'directory' | 'link' | 'other';

/** What is at a path of a container, without following a symbolic link at its end; undefined if there is nothing. */
export async function readPathKind(
  call: EngineCall,
  container: Docker.Container,
  path: string,
  signal: AbortSignal,
): Promise<PathKind | undefined> {
  try {
    return await call('look at a file', signal, async (abortSignal) => {
      // The type lacks the answer: only its header counts.
      const ask: (options: object) => Promise<unknown> = container.infoArchive.bind(container);
      const answer = (await ask({ path, abortSignal })) as { headers?: Record<string, unknown> };
      const header = answer.headers?.['x-docker-container-path-stat'];
      const { mode } = JSON.parse(Buffer.from(String(header), 'base64').toString()) as { mode?: unknown };
      if (typeof mode !== 'number') throw new TypeError('its answer describes no file.');
      // Unsigned: the directory's bit is the sign.
      const type = (mode & TYPE) >>> 0;
      if (type === DIRECTORY) return 'directory';
      if ((type & SYMBOLIC_LINK) !== 0) return 'link';
      return type === 0 ? 'file' : 'other';
    });
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
