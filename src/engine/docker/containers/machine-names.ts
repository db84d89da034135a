import { createHmac } from 'node:crypto';
import type { MachineSpec } from '../../machine.ts';

/**
 * The possible names of a machine's container, in order: it gets the first one without a foreign owner. Other machines
 * can ask the engine's name server for names, so they do not contain the id.
 */
export function containerNames(installationId: string, spec: Pick<MachineSpec, 'id' | 'hash'>): readonly string[] {
  return nameChoices(`${containerPrefix(installationId, spec.id)}${spec.hash}`);
}

/** True if the name is one that the driver gives, or gave before names were opaque, to the machine's containers. */
export function isContainerNameOf(installationId: string, id: string, name: string): boolean {
  return name.startsWith(containerPrefix(installationId, id)) || name.startsWith(namePrefix(id));
}

/** Keyed, so that a machine cannot find the neighbor whose id it knows. */
function containerPrefix(installationId: string, id: string): string {
  return namePrefix(createHmac('sha256', installationId).update(id).digest('hex').slice(0, 24));
}

function namePrefix(id: string): string {
  return `swiftor-${id}-`;
}

/** The possible names of a machine's volume, in order. */
export function volumeNameChoices(id: string, volume: string): readonly string[] {
  return nameChoices(`${namePrefix(id)}${volume}`);
}

/** Numbered, not random: concurrent calls choose the same name, and the second one finds the first one's work. */
function nameChoices(name: string): readonly string[] {
  return [name, ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => `${name}-${number}`)];
}
