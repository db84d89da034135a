const DEFAULT_REGISTRY = 'docker.io';

/** The parts of a Docker image reference: `registry/repository:tag` or `registry/repository@digest`. */
interface ImageReference {
  /** Host and optional port. */
  readonly registry: string;
  /** Without the default registry, as engines list it. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * Splits the reference as an engine does: the part before the first slash is the registry if it looks like a host.
 */
export function parseImageReference(reference: string): ImageReference {
  const [named = '', digest] = reference.split('@', 2);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const [name, tag] = colon === -1 ? [named, undefined] : [named.slice(0, colon), named.slice(colon + 1)];
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = !isHost || first === 'index.docker.io' ? DEFAULT_REGISTRY : first;
  if (registry !== DEFAULT_REGISTRY) return { registry, repository: name, tag, digest };
  const rest = isHost ? name.slice(slash + 1) : name;
  return { registry, repository: rest.replace(/^library\//, ''), tag, digest };
}

/** The registry's host: 'lscr.io', 'registry.example:5000'. */
export function registryOf(reference: string): string {
  return parseImageReference(reference).registry;
}

/**
 * The reference as engines list it: without the default registry, and with the tag `latest` if it has neither tag nor
 * digest.
 */
export function listedReference(reference: string): string {
  const { repository, tag, digest } = parseImageReference(reference);
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

/** Replaces the tag by the digest, so the reference keeps pointing to the same image. */
export function referenceByDigest(reference: string, digest: string): string {
  return `${parseImageReference(reference).repository}@${digest}`;
}

/**
 * The digest among `repoDigests` that belongs to the reference's repository; undefined if there is none.
 */
export function digestIn(repoDigests: readonly string[], reference: string): string | undefined {
  const { repository } = parseImageReference(reference);
  return repoDigests.map(parseImageReference).find((one) => one.repository === repository)?.digest;
}

/** True if the image is only built on engines and exists in no registry. */
export function isLocalReference(reference: string): boolean {
  return reference.startsWith('local/');
}
