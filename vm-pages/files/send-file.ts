import { fileAddress } from './file-list.ts';

interface Sending {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

/** Sends a file to a path, whose missing folders are made. Resolves to what went wrong, in words for people. */
export function sendFile(path: string, file: File, { signal, onProgress }: Sending): Promise<string | undefined> {
  const request = new XMLHttpRequest();
  const abort = (): void => request.abort();
  signal.addEventListener('abort', abort, { once: true });
  return new Promise<string | undefined>((resolve) => {
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('load', () => resolve(request.status === 201 ? undefined : request.responseText));
    // Also what a browser cannot read.
    request.addEventListener('error', () => resolve('It could not be sent.'));
    request.addEventListener('abort', () => resolve('Stopped.'));
    if (signal.aborted) return resolve('Stopped.');
    request.open('PUT', `${fileAddress(path)}&parents=1`);
    request.send(file);
  }).finally(() => signal.removeEventListener('abort', abort));
}
