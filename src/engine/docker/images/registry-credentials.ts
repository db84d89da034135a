import { readTextFile } from '../../../lib/files/read-text-file.ts';
import { registryOf } from '../../image-reference.ts';

/** What an engine sends to a registry for us. Never logged. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
  readonly identitytoken?: string;
}

/**
 * Finds the credentials for the registry of an image; undefined if there are none. Rejects for a file that is wrong.
 */
export type FindCredentials = (imageRef: string) => Promise<RegistryCredentials | undefined>;

/** Reads the file at each pull: who changes it need not restart anything. */
export function createFindCredentials(file: string | undefined): FindCredentials {
  if (file === undefined) return async () => undefined;
  return async (imageRef) => credentialsFor(registryOf(imageRef), await readTextFile('REGISTRY_AUTH_FILE', file));
}

/** From a file in the format of Docker's config.json, where `docker login` writes it without a helper. */
export function credentialsFor(registry: string, text: string): RegistryCredentials | undefined {
  const entries = parseAuths(text);
  for (const [address, entry] of entries) {
    if (hostOf(address) !== registry) continue;
    const credentials = toCredentials(address, entry);
    if (credentials === undefined)
      throw new Error(`REGISTRY_AUTH_FILE: the entry "${address}" has neither "auth" nor "username" and "password".`);
    return credentials;
  }
  return undefined;
}

function parseAuths(text: string): [string, Readonly<Record<string, unknown>>][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error would quote the file.
    throw new Error('REGISTRY_AUTH_FILE is not JSON.');
  }
  const auths = isRecord(value) ? (value['auths'] ?? {}) : undefined;
  if (!isRecord(auths)) throw new Error('REGISTRY_AUTH_FILE must be {"auths":{"HOST":{"auth":"…"}}}.');
  return Object.entries(auths).map(([address, entry]) => [address, isRecord(entry) ? entry : {}]);
}

/** Docker Hub's address in the file is an old one. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function toCredentials(
  serveraddress: string,
  { auth, username, password, identitytoken }: Readonly<Record<string, unknown>>,
): RegistryCredentials | undefined {
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { username: '', password: '', serveraddress, identitytoken };
  if (typeof username === 'string' && typeof password === 'string') return { username, password, serveraddress };
  if (typeof auth !== 'string') return undefined;
  const [, user, secret] = /^([^:]+):([\s\S]*)$/.exec(Buffer.from(auth, 'base64').toString()) ?? [];
  return user === undefined || secret === undefined ? undefined : { username: user, password: secret, serveraddress };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
