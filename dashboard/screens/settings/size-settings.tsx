import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../../connection/ask.ts';
import { UpdateVm } from '../../api/mutations.ts';
import type { DeskData } from '../../api/desk.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { command } from '../../vms/asked.ts';
import { desk } from '../../account/desk.ts';
import type { Size } from '../../account/preflight.ts';
import { useAction } from '../../loading/use-action.ts';
import { settingsWords } from '../../words/settings.ts';
import { words } from '../../words/words.ts';
import { Preflight, usePreflight } from '../create/preflight.tsx';
import { SizeSteppers } from '../create/size-steppers.tsx';

const WORDS = settingsWords.settings;

/** Processors and memory, which can be changed while the VM is off. */
export function SizeSettings({ vm }: { vm: Vm }): JSX.Element {
  const [size, setSize] = useState({ cpu: vm.specs.cpu, ram: vm.specs.ram });
  const { problem, isRunning, run } = useAction();
  const me = desk.value?.me;
  const isChanged = size.cpu !== vm.specs.cpu || size.ram !== vm.specs.ram;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isChanged) void run(() => ask(UpdateVm, { input: { id: vm.id, ...size } }));
  };
  if (vm.enabled) {
    return (
      <section class="panel spread">
        <div>
          <h2>{WORDS.size}</h2>
          <p>{words.size(vm.specs.cpu, vm.specs.ram)}</p>
          <p class="quiet">{WORDS.stopFirst}</p>
        </div>
        <button type="button" class="button" onClick={() => void command(vm.id, 'stop')}>
          {words.command.stop}
        </button>
      </section>
    );
  }
  return (
    <form class="panel stack wide" onSubmit={submit}>
      <h2>{WORDS.size}</h2>
      <div class="size">
        <SizeSteppers me={me} size={size} onChange={(change) => setSize({ ...size, ...change })} />
      </div>
      {me !== undefined && <SizePreflight me={me} size={size} vmId={vm.id} />}
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem.message}
        </p>
      )}
      <button type="submit" class="button primary" aria-disabled={!isChanged || isRunning}>
        {words.action.save}
      </button>
    </form>
  );
}

function SizePreflight({ me, size, vmId }: { me: DeskData['me']; size: Size; vmId: string }): JSX.Element {
  return <Preflight violations={usePreflight(me, size, vmId)} />;
}
