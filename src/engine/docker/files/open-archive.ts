import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { extract, type Headers } from 'tar-stream';
import type { OpenFile } from '../../files.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { asReadable } from '../streams/as-readable.ts';

interface ArchiveRequest {
  readonly file: string;
  readonly kind: 'file' | 'directory';
  readonly onClosed: () => Promise<void>;
}

/** Opens a file of a container, or a directory as the engine's archive of it. `onClosed` follows its end. */
export async function openArchive(
  call: EngineCall,
  container: Docker.Container,
  { file, kind, onClosed }: ArchiveRequest,
  signal: AbortSignal,
): Promise<OpenFile> {
  const ask = async (abortSignal: AbortSignal) => asReadable(await container.getArchive({ path: file, abortSignal }));
  const archive = await call('read a file', signal, ask);
  const close = async (): Promise<void> => {
    archive.destroy();
    await onClosed();
  };
  if (kind === 'directory') return { kind: 'archive', bytes: undefined, content: archive, close };
  try {
    const { size, content } = await call('read a file', signal, (abortSignal) => firstFileOf(archive, abortSignal));
    return { kind: 'file', bytes: size, content, close };
  } catch (error) {
    archive.destroy();
    throw error;
  }
}

/** The content of the archive's only file. It fails if the archive does before its end. */
async function firstFileOf(archive: Readable, signal: AbortSignal): Promise<{ size: number; content: Readable }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ size: number; content: Readable }>();
  const entries = extract();
  let opened: Readable | undefined;
  const fail = (error: Error): void => {
    opened?.destroy(error);
    reject(error);
  };
  entries.on('entry', ({ type, size = 0 }: Headers, content, next) => {
    content.on('error', () => undefined);
    if (opened !== undefined || type !== 'file') {
      // Changed since it was looked at.
      if (opened === undefined) fail(new Error('It is no file any more.'));
      content.resume();
      return next();
    }
    opened = content;
    content.once('end', next);
    resolve({ size, content });
  });
  entries.on('error', fail);
  entries.on('finish', () => reject(new Error('its answer holds no file.')));
  archive.on('error', fail);
  archive.on('close', () => archive.readableEnded || fail(new Error('premature close')));
  signal.addEventListener('abort', () => opened ?? archive.destroy(), { once: true });
  archive.pipe(entries);
  return promise;
}
