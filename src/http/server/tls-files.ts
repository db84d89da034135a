import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

/** A certificate chain and its key, both PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Reads both files. Rejects if one cannot be read or the key does not belong to the certificate. */
export async function readTlsPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  // One after the other, so the error is deterministic if both are missing.
  const cert = await readPem('TLS_CERT', certFile);
  const key = await readPem('TLS_KEY', keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const why = message.includes('key values mismatch') ? 'the key does not belong to the certificate' : message;
    throw new Error(`TLS_CERT "${certFile}" and TLS_KEY "${keyFile}" cannot be used: ${why}.`, { cause: error });
  }
  return { cert, key };
}

async function readPem(variable: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${variable} "${file}" cannot be read: ${error.code ?? error.message}.`, { cause: error });
  });
}

/**
 * The reason why browsers will refuse the certificate for addresses under the domain; undefined if they will accept it.
 */
export function findCertificateProblem(
  { cert }: Pick<TlsPair, 'cert'>,
  domain: string,
  now = new Date(),
): string | undefined {
  const certificate = new X509Certificate(cert);
  if (new Date(certificate.validTo) <= now) return `The certificate expired on ${certificate.validTo}.`;
  if (new Date(certificate.validFrom) > now) return `The certificate is not valid before ${certificate.validFrom}.`;
  const missing = [domain, `any.${domain}`].filter((host) => certificate.checkHost(host) === undefined);
  const names = missing.map((host) => host.replace(/^any\./, '*.'));
  return names.length === 0 ? undefined : `The certificate does not cover ${names.join(' and ')}.`;
}

const CHECK_EVERY_MS = 2_000;

/**
 * Polls the files, which may change by a write, a rename or a new symbolic link target. Calls `onPair` with each new
 * valid pair, and `onError` once for an invalid one. Returns a function that stops polling.
 */
export function watchTlsPair(
  files: TlsFiles,
  first: TlsPair,
  {
    onPair,
    onError,
    everyMs = CHECK_EVERY_MS,
  }: { onPair: (pair: TlsPair) => void; onError: (error: unknown) => void; everyMs?: number | undefined },
): () => void {
  let current = first;
  let lastError = '';
  let isReported = false;
  const check = async (): Promise<void> => {
    try {
      const pair = await readTlsPair(files);
      lastError = '';
      if (pair.cert.equals(current.cert) && pair.key.equals(current.key)) return;
      onPair(pair);
      current = pair;
    } catch (error) {
      const text = String(error);
      if (text !== lastError) {
        lastError = text;
        isReported = false;
        return;
      }
      // Reported at the second check only: the two files are replaced one after the other.
      if (!isReported) onError(error);
      isReported = true;
    }
  };
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    void check().finally(() => (isChecking = false));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
