import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { ErrorBoundary } from '../../loading/error-boundary.tsx';
import { later } from '../../loading/later.tsx';
import { settingsWords } from '../../words/settings.ts';
import { SizeSettings } from './size-settings.tsx';
import { TellSettings } from './tell-settings.tsx';

const WORDS = settingsWords.settings;
const DeleteDialog = later(async () => (await import('../delete/delete-dialog.tsx')).DeleteDialog);

/** What can be changed of a VM, and its end. */
export function Settings({ vm }: { vm: Vm }): JSX.Element {
  const [isDeleting, setDeleting] = useState(false);
  return (
    <div class="stack wide">
      <SizeSettings key={`${vm.specs.cpu} ${vm.specs.ram}`} vm={vm} />
      <section class="panel">
        <h2>{WORDS.files}</h2>
        <p>{vm.specs.storage ? WORDS.kept(vm.storageGb ?? 0) : WORDS.discarded}</p>
      </section>
      <TellSettings vm={vm} />
      <section class="panel spread">
        <div>
          <h2>{WORDS.danger}</h2>
          <p class="quiet">{WORDS.dangerHint}</p>
        </div>
        <button type="button" class="button danger" onClick={() => setDeleting(true)}>
          {WORDS.remove}
        </button>
      </section>
      <ErrorBoundary>{isDeleting && <DeleteDialog vm={vm} onClose={() => setDeleting(false)} />}</ErrorBoundary>
    </div>
  );
}
