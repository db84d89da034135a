import { digestIn, listedReference } from '../engine/image-reference.ts';
import type { EngineImage } from '../engine/driver.ts';
import type { MachineImage } from '../engine/machine.ts';

/** Why no VM can be started on an engine, whichever it is. */
export type EngineProblem = 'ENGINE_UNREACHABLE' | 'ISOLATION_FAILED' | 'NO_SPACE';

/**
 * What is known of a region's engine without asking it: refreshed by a watch, every 15 s, and about what
 * its VMs need. What was not learned yet is undefined or empty, and counts against no VM.
 */
export interface EngineFacts {
  readonly problem: EngineProblem | undefined;
  /** As the images call it: 'amd64'. */
  readonly architecture: string | undefined;
  readonly images: KnownImages | undefined;
  /** Stand-ins that are being built. */
  readonly building: ReadonlySet<string>;
  /** Hosts of registries that did not answer the engine when they were last asked. */
  readonly unreachedRegistries: ReadonlySet<string>;
  /** Devices that the engine's host lacks. */
  readonly missingDevices: ReadonlySet<string>;
}

/** What a watch learns; that the engine answers, isolates VMs and has room is known from elsewhere. */
export type LearnedFacts = Omit<EngineFacts, 'problem'>;

export const NOTHING_LEARNED: LearnedFacts = {
  architecture: undefined,
  images: undefined,
  building: new Set(),
  unreachedRegistries: new Set(),
  missingDevices: new Set(),
};

/** The images of an engine. */
export interface KnownImages {
  /** What a reference stands for there; undefined when the engine does not have it. */
  find(reference: string): MachineImage | undefined;
  /** Whether it has that very image, under whatever reference. */
  has(image: Pick<MachineImage, 'id' | 'digest'>): boolean;
  /** A moment before they were listed, by the database's clock. */
  readonly at: Date;
}

export function toKnownImages(images: readonly EngineImage[], at: Date): KnownImages {
  const byReference = new Map(images.flatMap((image) => image.references.map((reference) => [listedReference(reference), image] as const)));
  const known = new Set(images.flatMap(({ id, repoDigests }) => [id, ...repoDigests.map((text) => text.slice(text.indexOf('@') + 1))]));
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
