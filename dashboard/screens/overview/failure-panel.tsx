import type { JSX } from 'preact';
import type { Vm, VmFailure } from '../../api/vm-fields.ts';
import { now } from '../../connection/clock.ts';
import { failingOf } from '../../vms/vm-facts.ts';
import { StatusGlyph } from '../../parts/status.tsx';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { PrimaryButton } from '../commands/primary-button.tsx';
import { adviceFor } from './advice.ts';

/** Why it failed, and what there is to do. */
export function FailurePanel({ vm, failure }: { vm: Vm; failure: VmFailure }): JSX.Element {
  const { failure: text } = vmWords;
  const advice = adviceFor(failure.code);
  return (
    <section class="panel failure">
      <h2 class="status-line">
        <StatusGlyph status="FAILED" />
        {words.statusOf('FAILED', failingOf(vm))}
      </h2>
      <p>{failure.message}</p>
      {advice.sentence !== undefined && <p>{advice.sentence}</p>}
      <dl class="pairs">
        <dt>{text.code}</dt>
        <dd>
          <code>{failure.code}</code>
        </dd>
        {failure.exitCode !== null && (
          <>
            <dt>{text.exitCode}</dt>
            <dd>{failure.exitCode}</dd>
          </>
        )}
        <dt>{text.next}</dt>
        <dd class="figure">{nextTry(failure)}</dd>
      </dl>
      {failure.logTail.length > 0 && (
        <>
          <h3 class="quiet small">{text.lines}</h3>
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
          <pre class="lines" tabIndex={0}>
            {failure.logTail.join('\n')}
          </pre>
        </>
      )}
      <div class="buttons start">
        <PrimaryButton vm={vm} />
        <a class="button" href={`/vm/${vm.id}/logs`}>
          {vmWords.tabs.logs}
        </a>
        {advice.needsMemory && (
          <a class="button" href={`/vm/${vm.id}/settings`}>
            {text.moreMemory}
          </a>
        )}
      </div>
    </section>
  );
}

function nextTry({ retryAt }: VmFailure): string {
  if (retryAt === null) return vmWords.failure.manual;
  const seconds = (Date.parse(retryAt) - now.value) / 1000;
  return seconds > 0 ? vmWords.failure.in(Math.ceil(seconds)) : vmWords.failure.soon;
}
