import { gigabytes } from '../../words/format.ts';
import { vmWords } from '../../words/vm.ts';

interface Belongings {
  /** Null if it has no volumes that are kept. */
  readonly storageEnforcement: string | null;
  readonly storageUsedGb: number;
  readonly secrets: readonly { readonly key: string }[];
  readonly networking: readonly unknown[];
  readonly ports: readonly { readonly publicPort: number }[];
}

/** What a deletion takes along that cannot be made again; empty if nothing does. The password alone is no loss. */
export function lossesOf({ storageEnforcement, storageUsedGb, secrets, networking, ports }: Belongings): string[] {
  const own = secrets.filter(({ key }) => key !== 'VM_PASSWORD').length;
  const settings = [
    own > 0 && vmWords.remove.secrets(own),
    networking.length > 0 && vmWords.remove.names(networking.length),
    ports.length > 0 && vmWords.remove.ports(ports.map(({ publicPort }) => publicPort)),
  ].filter((each) => each !== false);
  // It is measured once a minute, so that of the first minute nothing is known.
  const unmeasured = storageEnforcement !== null && storageUsedGb === 0;
  return [
    unmeasured && vmWords.remove.unmeasured,
    storageUsedGb > 0 && vmWords.remove.files(gigabytes(storageUsedGb)),
    settings.length > 0 && settings.join(', '),
  ].filter((each) => each !== false);
}
