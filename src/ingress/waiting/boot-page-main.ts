import { html, type Html } from '../../lib/html.ts';
import { isBooting, type VmStatus } from '../../vm/vm-status.ts';
import type { VmFailure } from '../../vm/vm.ts';
import type { BootPageState, Content } from './boot-page-state.ts';
import { bootingContent } from './booting-content.ts';

/** Renders the main part of the page, which is sent with the page and again whenever it changes. Pure. */
export function renderMain(state: BootPageState): Html {
  const { audience, kind } = state;
  const { name, status, detail, bar, more } = contentOf(state);
  const title = titleOf(state);
  return html`<main data-view="${name}" data-title="${audience === 'visitor' ? status : `${status} · ${title}`}">
    ${audience !== 'visitor' && html`<p class="kind">${audience === 'owner' ? kind : 'Shared with you'}</p>`}
    <h1>${title}</h1>
    <p class="status" role="status" data-part="status">${status}</p>
    ${bar !== undefined && html`<div class="bar" data-part="bar">${barOf(bar)}</div>`}
    <p class="detail" data-part="detail">${detail}</p>
    ${more !== undefined && html`<div data-part="more">${more}</div>`}
  </main>`;
}

/** What the page calls the VM: its label is its owner's. */
export function titleOf({ vm, audience, kind }: Pick<BootPageState, 'vm' | 'audience' | 'kind'>): string {
  if (audience === 'owner') return vm.vmlabel;
  return audience === 'guest' ? kind : 'One moment';
}

function contentOf(state: BootPageState): Content {
  if (state.audience === 'owner') return ownerContent(state);
  const { status } = state.vm;
  const isOff = status === 'STOPPED' || status === 'STOPPING';
  if (state.audience === 'guest' && isOff) {
    return {
      name: 'off',
      status: 'It is off.',
      detail: 'Only its owner can start it. This page opens it as soon as it runs.',
    };
  }
  return visitorContent(status);
}

function barOf(bar: number | 'unknown'): Html {
  return bar === 'unknown'
    ? html`<progress aria-label="Under way"></progress>`
    : html`<progress max="100" value="${bar}" aria-label="Downloaded">${bar} %</progress>`;
}

function visitorContent(status: VmStatus): Content {
  if (isBooting(status))
    return {
      name: 'starting',
      status: 'This is starting.',
      bar: 'unknown',
      detail: 'This page opens it automatically.',
    };
  return {
    name: 'away',
    status: 'This is not available at the moment.',
    detail: 'This page opens it as soon as it is.',
  };
}

function ownerContent(state: BootPageState): Content {
  const { vm } = state;
  if (isBooting(vm.status)) return bootingContent(state);
  if (vm.status === 'STOPPED') {
    return { name: 'off', status: 'It is off.', more: html`${violationsOf(state)} ${startForm(state, 'Start')}` };
  }
  if (vm.status === 'FAILED') return failedContent(state);
  if (vm.status === 'STOPPING') return { name: 'stopping', status: 'It is stopping.', bar: 'unknown' };
  if (vm.status === 'DELETING') return { name: 'deleting', status: 'It is being deleted.' };
  if (vm.status === 'UNKNOWN') {
    const detail = vm.lastFailure?.message ?? 'Its state is unknown until the engine answers again.';
    return { name: 'unknown', status: 'Its engine does not answer.', bar: 'unknown', detail };
  }
  return { name: 'back', status: 'It is running and will open in a moment.', bar: 'unknown' };
}

function failedContent(state: BootPageState): Content {
  const { lastFailure: failure } = state.vm;
  return {
    name: 'failed',
    status: failure !== null && isBooting(failure.step) ? 'It did not start.' : 'It stopped unexpectedly.',
    detail: failure?.message,
    more: html`${failure !== null && failureDetails(failure)} ${violationsOf(state)}
    ${startForm(state, 'Try again now')}`,
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
      <dd>
        ${retryAt === undefined ? 'only when you start it' : html`automatically at <time datetime="${retryAt}">${utc(retryAt)}</time>`}
      </dd>
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

function violationsOf({ violations }: BootPageState): Html | undefined {
  if (violations.length === 0) return undefined;
  return html`<div class="refusal" id="refusal">
    <p>Your plan has no room for it now:</p>
    <ul>
      ${violations.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </div>`;
}

/** A start that the plan refuses says so at its button, too, which may be seen without what is above it. */
function startForm({ startPath, violations }: BootPageState, label: string): Html {
  const button =
    violations.length === 0
      ? html`<button>${label}</button>`
      : html`<button aria-describedby="refusal">${label}: your plan refuses it now</button>`;
  return html`<form method="post" action="${startPath}">${button}</form>`;
}
