import type { VmProgress } from '../../events/vm-event.ts';
import { html, type Html } from '../../lib/html.ts';
import { isBooting, type VmStatus } from '../../vm/vm-status.ts';
import type { Vm, VmFailure } from '../../vm/vm.ts';

/** What the page says of a VM that cannot be reached now. Only its owner is told more than that it is starting, or is not there. */
export interface WaitingFacts {
  readonly vm: Pick<Vm, 'vmlabel' | 'status' | 'lastFailure' | 'attempts' | 'enabled'>;
  readonly isOwner: boolean;
  /** What the VM is, in a word or two: its distribution's name. */
  readonly kind: string;
  readonly progress: VmProgress | undefined;
  /** Why it would not be started now, one sentence each. */
  readonly violations: readonly string[];
  /** Where the start button's form goes. */
  readonly startPath: string;
}

interface Words {
  /** Changes with what the page is about: within one, only its parts change. */
  readonly name: string;
  readonly status: string;
  readonly detail?: string | undefined;
  /** A number where one is known, `unknown` where something is under way. */
  readonly bar?: number | 'unknown' | undefined;
  readonly more?: Html | undefined;
}

/** The page's main part: a pure function of what is known, sent with the page and again whenever something of it changes. */
export function waitingView(facts: WaitingFacts): Html {
  const { vm, isOwner, kind } = facts;
  const title = isOwner ? vm.vmlabel : 'One moment';
  const { name, status, detail, bar, more } = isOwner ? ownersWords(facts) : visitorsWords(vm.status);
  return html`<main data-view="${name}" data-title="${isOwner ? `${status} · ${vm.vmlabel}` : status}">
    ${isOwner && html`<p class="kind">${kind}</p>`}
    <h1>${title}</h1>
    <p class="status" role="status" data-part="status">${status}</p>
    ${bar !== undefined && html`<div class="bar" data-part="bar">${barOf(bar)}</div>`}
    <p class="detail" data-part="detail">${detail}</p>
    ${more !== undefined && html`<div data-part="more">${more}</div>`}
  </main>`;
}

function barOf(bar: number | 'unknown'): Html {
  return bar === 'unknown'
    ? html`<progress aria-label="Under way"></progress>`
    : html`<progress max="100" value="${bar}" aria-label="Downloaded">${bar} %</progress>`;
}

function visitorsWords(status: VmStatus): Words {
  if (isBooting(status)) return { name: 'starting', status: 'This is starting.', bar: 'unknown', detail: 'It opens here by itself.' };
  return { name: 'away', status: 'This is not available at the moment.', detail: 'The page opens by itself when it is.' };
}

function ownersWords(facts: WaitingFacts): Words {
  const { vm } = facts;
  if (isBooting(vm.status)) return bootingWords(facts);
  if (vm.status === 'STOPPED') {
    return { name: 'off', status: 'It is off.', more: html`${violationsOf(facts)} ${startForm(facts, 'Start')}` };
  }
  if (vm.status === 'FAILED') return failedWords(facts);
  if (vm.status === 'STOPPING') return { name: 'stopping', status: 'It is stopping.', bar: 'unknown' };
  if (vm.status === 'DELETING') return { name: 'deleting', status: 'It is being deleted.' };
  if (vm.status === 'UNKNOWN') {
    const detail = vm.lastFailure?.message ?? 'Nothing is known of it until the engine answers again.';
    return { name: 'unknown', status: 'The machine that it runs on does not answer.', bar: 'unknown', detail };
  }
  return { name: 'back', status: 'It is up, and reached again in a moment.', bar: 'unknown' };
}

const STEPS = [
  ['QUEUED', 'Waiting for its turn'],
  ['PULLING', 'Downloading the image'],
  ['STARTING', 'Starting the container'],
  ['BOOTING', 'Waiting for the app to answer'],
] as const satisfies readonly (readonly [VmStatus, string])[];

function bootingWords({ vm, progress }: WaitingFacts): Words {
  const at = STEPS.findIndex(([status]) => status === vm.status);
  const steps = STEPS.map(([, label], index) => {
    if (index < at) return html`<li class="done">${label}</li>`;
    return index === at ? html`<li class="now" aria-current="step">${label}</li>` : html`<li>${label}</li>`;
  });
  const status = STEPS[at]?.[1] ?? 'Starting';
  const percent = vm.status === 'PULLING' && progress !== undefined ? Math.floor(progress.percent) : undefined;
  return {
    name: 'booting',
    // The step alone: it is read aloud when it changes, and a percentage would be four times a second.
    status,
    bar: percent ?? 'unknown',
    detail:
      percent === undefined ? attemptOf(vm.attempts, status, progress) : [`${percent} %`, bytesOf(progress)].filter(Boolean).join(', '),
    more: html`<ol>
      ${steps}
    </ol>`,
  };
}

function attemptOf(failed: number, status: string, progress: VmProgress | undefined): string | undefined {
  // What the status says already is not said again.
  const message = progress?.message === `${status}.` ? undefined : progress?.message;
  return failed > 0 ? `Attempt ${failed + 1}. ${message ?? ''}`.trim() : message;
}

function bytesOf({ bytesDone, bytesTotal }: Partial<VmProgress> = {}): string | undefined {
  if (bytesDone === undefined || bytesTotal === undefined || bytesTotal === 0) return undefined;
  return `${megabytes(bytesDone)} of ${megabytes(bytesTotal)} MB`;
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : Math.round(value).toString();
}

function failedWords(facts: WaitingFacts): Words {
  const { lastFailure: failure } = facts.vm;
  return {
    name: 'failed',
    status: failure !== null && isBooting(failure.step) ? 'It did not start.' : 'It stopped by itself.',
    detail: failure?.message,
    more: html`${failure !== null && failureDetails(failure)} ${violationsOf(facts)} ${startForm(facts, 'Try again now')}`,
  };
}

function failureDetails({ code, exitCode, logTail, retryAt }: VmFailure): Html {
  return html`<dl>
      <dt>Code</dt>
      <dd><code>${code}</code></dd>
      ${
        exitCode !== undefined &&
        html`<dt>Exit code</dt>
          <dd>${exitCode}</dd>`
      }
      <dt>Next try</dt>
      <dd>${retryAt === undefined ? 'only when you start it' : html`by itself at <time datetime="${retryAt}">${utc(retryAt)}</time>`}</dd>
    </dl>
    ${
      logTail.length > 0 &&
      html`<h2>Its last lines</h2>
        <pre tabindex="0">${logTail.join('\n')}</pre>`
    }`;
}

function utc(iso: string): string {
  return `${iso.slice(11, 19)} UTC`;
}

function violationsOf({ violations }: WaitingFacts): Html | undefined {
  if (violations.length === 0) return undefined;
  return html`<div class="refusal">
    <p>Your plan has no room for it now:</p>
    <ul>
      ${violations.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </div>`;
}

function startForm({ startPath }: WaitingFacts, label: string): Html {
  return html`<form method="post" action="${startPath}"><button>${label}</button></form>`;
}
