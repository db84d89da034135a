import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { BootPanel } from './boot-panel.tsx';
import { FailurePanel } from './failure-panel.tsx';
import { Notices } from '../vm/notices.tsx';
import { NowPanel } from './now-panel.tsx';
import { Timeline } from './timeline.tsx';

export function Overview({ vm }: { vm: Vm }): JSX.Element {
  return (
    <>
      <Notices vm={vm} />
      <div class="panels">
        {vm.status === 'FAILED' && vm.lastFailure !== null ? (
          <FailurePanel vm={vm} failure={vm.lastFailure} />
        ) : (
          <BootPanel vm={vm} />
        )}
        <NowPanel vm={vm} />
      </div>
      <Timeline vm={vm} />
    </>
  );
}
