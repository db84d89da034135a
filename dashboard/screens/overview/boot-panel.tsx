import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { attemptOf } from '../../vms/vm-facts.ts';
import { Elapsed } from '../../parts/time.tsx';
import { duration } from '../../words/format.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { bootSteps, type BootStep } from './boot-steps.ts';

/** The steps of the last start, as they happen. */
export function BootPanel({ vm }: { vm: Vm }): JSX.Element {
  const steps = bootSteps(vm);
  return (
    <section class="panel">
      <h2 class="spread">
        {vmWords.boot.title}
        {attemptOf(vm) > 1 && <span class="quiet small">{vmWords.boot.attempt(attemptOf(vm))}</span>}
      </h2>
      {steps.length === 0 ? (
        <p class="quiet">{vmWords.boot.never}</p>
      ) : (
        <ol class="steps">
          {steps.map((step) => (
            <Step key={step.status} step={step} vm={vm} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Step({ step, vm: { progress } }: { step: BootStep; vm: Vm }): JSX.Element {
  const isNow = step.state === 'now';
  const isPulling = isNow && step.status === 'PULLING' && progress !== null;
  const { bytesDone = null, bytesTotal = null, percent = 0 } = progress ?? {};
  return (
    <li class={step.state} aria-current={isNow ? 'step' : undefined}>
      <span>{words.status[step.status]}</span>
      <span class="quiet small figure">
        {isNow && step.startedAt !== undefined && <Elapsed since={step.startedAt} />}
        {!isNow && step.seconds !== undefined && duration(step.seconds)}
        {step.state === 'skipped' && vmWords.boot.skipped}
      </span>
      {isPulling && (
        <div class="step-progress">
          <progress max={100} value={percent} aria-label={words.status.PULLING} />
          <span class="quiet small figure">
            {percent} %
            {bytesDone !== null &&
              bytesTotal !== null &&
              bytesTotal > 0 &&
              `, ${words.row.bytes(bytesDone, bytesTotal)}`}
          </span>
        </div>
      )}
    </li>
  );
}
