import { computed, signal } from '@preact/signals';
import type { DeskData, Distribution } from '../../api/desk.ts';
import { firstChoice, firstDesktop, freeName, sizeFor } from '../../account/catalog-facts.ts';
import { desktopName } from '../../vms/vm-facts.ts';
import { allVms } from '../../vms/vms.ts';
import { makePassword } from './make-password.ts';

/** What the form holds. The name follows the choice until the user writes another. */
export interface Draft {
  readonly idempotencyKey: string;
  readonly distribution: string;
  readonly desktop: string | null;
  readonly ownName: string | undefined;
  readonly region: string;
  readonly cpu: number;
  readonly ram: number;
  /** Whether the user chose the size; otherwise it follows the choice, too. */
  readonly hasOwnSize: boolean;
  readonly isKept: boolean;
}

const KEY = 'swiftor.draft';
const LEAST_SIZE = { cpu: 1, ram: 1 };

export const draft = signal<Draft | undefined>(undefined);
/** Not kept with the draft. */
export const password = signal('');

/** Begins the form, or goes on with what was entered before a reload or the end of the session. */
export function beginDraft({ me, distributions, regions }: DeskData, from: string | undefined): void {
  const kept = readDraft();
  const chosen = distributions.find(({ code }) => code === from) ?? firstChoice(distributions);
  password.value = makePassword();
  draft.value =
    kept !== undefined && (from === undefined || kept.distribution === from)
      ? // Its password is gone, so it is another VM than one that may have been asked for with this key.
        { ...kept, idempotencyKey: crypto.randomUUID() }
      : {
          idempotencyKey: crypto.randomUUID(),
          distribution: chosen?.code ?? '',
          desktop: chosen === undefined ? null : firstDesktop(chosen),
          ownName: undefined,
          region: (regions.find(({ available }) => available) ?? regions[0])?.code ?? '',
          ...(chosen === undefined ? LEAST_SIZE : sizeFor(chosen, me)),
          hasOwnSize: false,
          isKept: true,
        };
}

/** Another input is another VM, so it gets another key. */
export function changeDraft(change: Partial<Draft>): void {
  const { value } = draft;
  if (value === undefined) return;
  draft.value = { ...value, ...change, idempotencyKey: crypto.randomUUID() };
  sessionStorage.setItem(KEY, JSON.stringify(draft.value));
}

/** Another entry of the catalog, with the size that suits it. */
export function chooseEntry(entry: Distribution, me: DeskData['me']): void {
  const size = draft.value?.hasOwnSize === true ? {} : sizeFor(entry, me);
  changeDraft({ distribution: entry.code, desktop: firstDesktop(entry), ...size });
}

export function endDraft(): void {
  sessionStorage.removeItem(KEY);
  draft.value = undefined;
}

/** The name as the field shows it. */
export function nameOf({ ownName, distribution, desktop }: Draft, catalog: DeskData['distributions']): string {
  if (ownName !== undefined) return ownName;
  const name = catalog.find(({ code }) => code === distribution)?.name ?? distribution;
  return freeName(desktop === null ? name : `${name} ${desktopName(desktop)}`, takenNames.value);
}

const takenNames = computed(() => new Set(allVms.value.map(({ vmlabel }) => vmlabel)));

function readDraft(): Draft | undefined {
  const text = sessionStorage.getItem(KEY);
  return text === null ? undefined : (JSON.parse(text) as Draft);
}
