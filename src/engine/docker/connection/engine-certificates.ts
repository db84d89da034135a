import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../../lib/error-code.ts';

/** With which the gateway proves itself to an engine, and knows it. PEM. */
export interface EngineCertificates {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads ca.pem, cert.pem and key.pem, the names of Docker's own client, from the folder of that host in ENGINE_CERTS,
 * or from ENGINE_CERTS itself. Throws an error that names what cannot be read.
 */
export function readEngineCertificates(folder: string | undefined, host: string): EngineCertificates {
  if (folder === undefined)
    throw new Error(`The engine at tls://${host} needs ENGINE_CERTS, a folder with ca.pem, cert.pem and key.pem.`);
  const own = path.join(folder, host);
  const from = existsSync(own) ? own : folder;
  const read = (name: string): Buffer => {
    try {
      return readFileSync(path.join(from, name));
    } catch (error) {
      const why = errorCode(error) ?? 'for an unknown reason';
      throw new Error(`ENGINE_CERTS: "${path.join(from, name)}" cannot be read: ${why}.`, { cause: error });
    }
  };
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
