import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { awaited, awaitRunning } from '../../vms/awaited.ts';
import { settingsWords } from '../../words/settings.ts';

const WORDS = settingsWords.settings;

/** A notification of the browser when the VM runs. */
export function TellSettings({ vm }: { vm: Vm }): JSX.Element | null {
  const [isRefused, setRefused] = useState(false);
  if (!('Notification' in globalThis)) return null;
  const change = async (isAwaited: boolean): Promise<void> => setRefused(!(await awaitRunning(vm.id, isAwaited)));
  return (
    <section class="panel">
      <label class="choice">
        <input
          type="checkbox"
          checked={awaited.value.has(vm.id)}
          onChange={(event) => void change(event.currentTarget.checked)}
        />
        <span>
          {WORDS.tell} <span class="quiet small">{WORDS.tellHint}</span>
        </span>
      </label>
      {isRefused && <p class="problem">{WORDS.tellRefused}</p>}
    </section>
  );
}
