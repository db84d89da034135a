import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

/** A certificate with those that it is signed by, and its key; both PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Reads both files; rejects, in one sentence, when one cannot be read or they do not make a pair. */
export async function readTlsPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  // One after the other: of two that are missing it is always the first that is named.
  const cert = await readPem('TLS_CERT', certFile);
  const key = await readPem('TLS_KEY', keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const said = why.includes('key values mismatch') ? 'the key is not that of the certificate' : why;
    throw new Error(`TLS_CERT "${certFile}" and TLS_KEY "${keyFile}" cannot be used: ${said}.`, { cause: error });
  }
  return { cert, key };
}

async function readPem(variable: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${variable} "${file}" cannot be read: ${error.code ?? error.message}.`, { cause: error });
  });
}

/** What will make browsers refuse the certificate for addresses under the domain, as a sentence; undefined when nothing will. */
export function flawOfCertificate({ cert }: Pick<TlsPair, 'cert'>, domain: string, now = new Date()): string | undefined {
  const certificate = new X509Certificate(cert);
  if (new Date(certificate.validTo) <= now) return `The certificate ended on ${certificate.validTo}.`;
  if (new Date(certificate.validFrom) > now) return `The certificate begins on ${certificate.validFrom}.`;
  const missing = [domain, `any.${domain}`].filter((host) => certificate.checkHost(host) === undefined);
  const names = missing.map((host) => host.replace(/^any\./, '*.'));
  return names.length === 0 ? undefined : `The certificate does not cover ${names.join(' and ')}.`;
}

const LOOK_EVERY_MS = 2_000;

/**
 * Looks at the files' contents again and again, whatever replaced them (a rename, another end of a symbolic link, a write), and hands
 * over each new pair that can be used. One that cannot is told once, and the pair in use stays. Returns the end of it.
 */
export function watchTlsPair(
  files: TlsFiles,
  first: TlsPair,
  { onPair, onError, everyMs = LOOK_EVERY_MS }: { onPair: (pair: TlsPair) => void; onError: (error: unknown) => void; everyMs?: number },
): () => void {
  let current = first;
  let complaint = '';
  const look = async (): Promise<void> => {
    try {
      const pair = await readTlsPair(files);
      complaint = '';
      if (pair.cert.equals(current.cert) && pair.key.equals(current.key)) return;
      onPair(pair);
      current = pair;
    } catch (error) {
      const text = String(error);
      // The two files are replaced one after the other: only a pair that is still bad at the next look is worth a word.
      if (complaint === text) onError(error);
      complaint = complaint === text ? `told: ${text}` : complaint === `told: ${text}` ? complaint : text;
    }
  };
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => (looking = false));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
