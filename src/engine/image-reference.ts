const DEFAULT_REGISTRY = 'docker.io';

/** The parts of Docker's string for an image; `registry/repository:tag` or `registry/repository@digest`. */
interface ImageReference {
  /** Host, with its port where one is named. */
  readonly registry: string;
  /** As engines list it: without the default registry. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * Splits the reference as an engine does: what stands before the first slash is a registry when it looks like a host.
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

/** The host that is asked for the image: 'lscr.io', 'registry.example:5000'. */
export function registryOf(reference: string): string {
  return parseImageReference(reference).registry;
}

/**
 * The reference as engines list it: without the default registry, with the tag that it stands for when it has neither
 * tag nor digest.
 */
export function listedReference(reference: string): string {
  const { repository, tag, digest } = parseImageReference(reference);
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

/** The reference of that very image, whatever its tag stands for by now. */
export function referenceByDigest(reference: string, digest: string): string {
  return `${parseImageReference(reference).repository}@${digest}`;
}

/**
 * By what digest the reference's registry knows an image that has these; undefined for an image that is in no registry.
 */
export function digestIn(repoDigests: readonly string[], reference: string): string | undefined {
  const { repository } = parseImageReference(reference);
  return repoDigests.map(parseImageReference).find((one) => one.repository === repository)?.digest;
}

/** Whether the image is only ever built on engines: no registry is asked for it. */
export function isLocalReference(reference: string): boolean {
  return reference.startsWith('local/');
}
