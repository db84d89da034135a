import { digestIn, listedReference } from '../engine/image-reference.ts';
import type { EngineImage } from '../engine/engine-reports.ts';
import type { MachineImage } from '../engine/machine.ts';

/** Why an engine can start no VM at all. */
export type EngineProblem = 'ENGINE_UNREACHABLE' | 'ISOLATION_FAILED' | 'NO_SPACE';

/**
 * What is known of a region's engine without a call to it. FactsWatch refreshes it every 15 s, for what the region's
 * VMs need and, while it is read, for the whole catalog. Facts that were not learned yet are undefined or empty and
 * count as no problem.
 */
export interface EngineFacts {
  readonly problem: EngineProblem | undefined;
  /** In the terms of image manifests: 'amd64'. */
  readonly architecture: string | undefined;
  readonly images: KnownImages | undefined;
  /** References of stand-ins that are being built. */
  readonly building: ReadonlySet<string>;
  /** Hosts of registries that the engine has asked. */
  readonly askedRegistries: ReadonlySet<string>;
  /** Hosts of registries that did not answer the engine at the last check. */
  readonly unreachedRegistries: ReadonlySet<string>;
  /** Device files that the engine's host lacks. */
  readonly missingDevices: ReadonlySet<string>;
}

/** The facts that FactsWatch learns. The problem is known from EngineWatch and StorageWatch. */
export type LearnedFacts = Omit<EngineFacts, 'problem'>;

export const NOTHING_LEARNED: LearnedFacts = {
  architecture: undefined,
  images: undefined,
  building: new Set(),
  askedRegistries: new Set(),
  unreachedRegistries: new Set(),
  missingDevices: new Set(),
};

export interface KnownImages {
  /** The image that the reference names on this engine; undefined when there is none. */
  find(reference: string): MachineImage | undefined;
  /** Whether the engine has this image under any reference. */
  has(image: Pick<MachineImage, 'id' | 'digest'>): boolean;
  /** By the database's clock, just before the images were listed. */
  readonly at: Date;
}

export function toKnownImages(images: readonly EngineImage[], at: Date): KnownImages {
  const byReference = new Map(
    images.flatMap((image) => image.references.map((reference) => [listedReference(reference), image] as const)),
  );
  const known = new Set(
    images.flatMap(({ id, repoDigests }) => [id, ...repoDigests.map((text) => text.slice(text.indexOf('@') + 1))]),
  );
  return {
    at,
    find(reference) {
      const found = byReference.get(listedReference(reference));
      const digest = found && digestIn(found.repoDigests, reference);
      return found && { reference, id: found.id, ...(digest !== undefined && { digest }) };
    },
    has: ({ id, digest }) => known.has(id) || (digest !== undefined && known.has(digest)),
  };
}
