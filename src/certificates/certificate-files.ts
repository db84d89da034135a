import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../lib/error-code.ts';

/** A certificate with its chain, and its key. PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** The text of the file; undefined if there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** Replaces both files, each as a whole. The gateway that serves them takes them once they fit. */
export async function writePair(
  { cert, key }: CertificatePair,
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): Promise<void> {
  await writeSecretFile(keyFile, key);
  await replace(certFile, cert, 0o644);
}

/** For its owner alone. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  await replace(file, text, 0o600);
}

async function replace(file: string, text: string, mode: number): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode });
  await rename(fresh, file);
}
