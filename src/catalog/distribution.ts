import type { ParsedDistribution } from './distribution-schema.ts';
import { PLAIN_PROBE, type Probe } from './probe.ts';

/** A catalog entry: an operating system with desktops to choose from (WEBTOP), or one app (PREMADE). */
export interface Distribution extends ParsedDistribution {
  readonly kind: 'WEBTOP' | 'PREMADE';
  readonly desktops: readonly string[];
}

export function toDistribution(parsed: ParsedDistribution): Distribution {
  const desktops = parsed.image === undefined ? Object.keys(parsed.images) : [];
  return { ...parsed, kind: desktops.length > 0 ? 'WEBTOP' : 'PREMADE', desktops };
}

/** The image of a desktop, or of an app without desktops. Undefined for an unknown desktop. */
export function imageOf(distribution: Distribution, desktop: string | null): string | undefined {
  if (distribution.kind === 'PREMADE') return distribution.image;
  return desktop !== null && Object.hasOwn(distribution.images, desktop) ? distribution.images[desktop] : undefined;
}

/** The locally built stand-in for an unreachable registry. Undefined without a recipe. */
export function localImageOf(
  { kind, localImage, localImages }: Distribution,
  desktop: string | null,
): string | undefined {
  if (kind === 'PREMADE') return localImage;
  return desktop !== null && Object.hasOwn(localImages, desktop) ? localImages[desktop] : undefined;
}

/** Whose password the app asks for; undefined if it asks for none. */
export function passwordHint({
  passwordVariables,
  passwordUser,
  signIn,
}: Distribution): { user: string | null } | undefined {
  if (passwordVariables.length === 0) return undefined;
  return { user: passwordUser ?? (signIn?.kind === 'basic' ? signIn.user : null) };
}

interface RunningImage {
  readonly reference: string;
  /** The entry's image if this one is its stand-in. */
  readonly standInFor?: string;
}

/**
 * The probe for the running image. The entry's probe does not fit stand-ins, whose server answers 5xx at `/` until the
 * app is up.
 */
export function probeOf(distribution: Distribution, desktop: string | null, image: RunningImage | undefined): Probe {
  return isStandIn(distribution, desktop, image) ? PLAIN_PROBE : distribution.probe;
}

/** Whether the running image keeps the input of clients out that may only look on. */
export function honoursViewers(
  distribution: Distribution,
  desktop: string | null,
  image: RunningImage | undefined,
): boolean {
  const { honoursViewers: which } = distribution;
  return which === 'all' || (which === 'stand-ins' && isStandIn(distribution, desktop, image));
}

function isStandIn(distribution: Distribution, desktop: string | null, image: RunningImage | undefined): boolean {
  if (image === undefined) return false;
  // Containers of earlier versions lack `standInFor`, and are recognized by the reference.
  return image.standInFor !== undefined || image.reference === localImageOf(distribution, desktop);
}
