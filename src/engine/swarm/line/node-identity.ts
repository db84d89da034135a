import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../../lib/error-code.ts';

/** Who a node of a swarm is, by the certificate that Swarm gave it and renews. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly clusterId: string;
  readonly isManager: boolean;
  /** For a TLS socket, in PEM. */
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

const FILES = { key: 'swarm-node.key', cert: 'swarm-node.crt', ca: 'swarm-root-ca.crt' } as const;
const MANAGER = 'swarm-manager';

/** Reads the identity from the folder `swarm/certificates` of an engine. Throws an error that names what is wrong. */
export function readNodeIdentity(folder: string): NodeIdentity {
  const key = read(folder, FILES.key);
  if (/ENCRYPTED/.test(key)) {
    throw new Error(
      `"${path.join(folder, FILES.key)}" is encrypted, because the swarm has autolock: the gateway cannot prove itself ` +
        'to nodes. Turn it off with docker swarm update --autolock=false.',
    );
  }
  const cert = read(folder, FILES.cert);
  const { nodeId, clusterId, isManager } = toSubject(new X509Certificate(cert).subject);
  return { nodeId, clusterId, isManager, key: withoutHeaders(key), cert, ca: read(folder, FILES.ca) };
}

/** Rereads the identity when Swarm has replaced its files: it renews certificates long before they end. */
export class CurrentIdentity {
  readonly #folder: string;
  #known: { readonly identity: NodeIdentity; readonly version: string } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws as `readNodeIdentity` does, unless an identity was read before. */
  get(): NodeIdentity {
    const version = this.#version();
    if (this.#known?.version === version) return this.#known.identity;
    try {
      this.#known = { identity: readNodeIdentity(this.#folder), version };
      return this.#known.identity;
    } catch (error) {
      // Files that are being replaced one after the other may not fit: the next reading will.
      if (this.#known === undefined) throw error;
      return this.#known.identity;
    }
  }

  #version(): string {
    const stats = Object.values(FILES).map((name) =>
      statSync(path.join(this.#folder, name), { throwIfNoEntry: false }),
    );
    return stats.map((each) => `${each?.ino} ${each?.mtimeMs}`).join(' ');
  }
}

/** Swarm's names: the common name is the node, the organization the cluster, its unit the role. */
export function toSubject(subject: string): Pick<NodeIdentity, 'nodeId' | 'clusterId' | 'isManager'> {
  const valueOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(subject)?.[1] ?? '';
  return { nodeId: valueOf('CN'), clusterId: valueOf('O'), isManager: valueOf('OU') === MANAGER };
}

/** Swarm keeps notes of its own in the headers of the key, which OpenSSL takes for those of an encrypted one. */
function withoutHeaders(key: string): string {
  return key.replaceAll(/^[\w-]+: .*\n/gm, '').replace('-----\n\n', '-----\n');
}

function read(folder: string, name: string): string {
  try {
    return readFileSync(path.join(folder, name), 'utf8');
  } catch (error) {
    const why = errorCode(error) ?? 'for an unknown reason';
    throw new Error(
      `"${path.join(folder, name)}", which a node of a swarm has, cannot be read: ${why}. SWARM_CERTS names the folder.`,
      { cause: error },
    );
  }
}
