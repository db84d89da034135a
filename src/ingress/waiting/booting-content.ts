import type { VmProgress } from '../../events/vm-event.ts';
import { html } from '../../lib/html.ts';
import type { VmStatus } from '../../vm/vm-status.ts';
import type { BootPageState, Content } from './boot-page-state.ts';

const STEPS = [
  ['QUEUED', 'Waiting for its turn'],
  ['PULLING', 'Downloading the image'],
  ['STARTING', 'Starting the container'],
  ['BOOTING', 'Waiting for the app to answer'],
] as const satisfies readonly (readonly [VmStatus, string])[];

/** The content of the page while a VM boots: its steps, and the progress of the present one. */
export function bootingContent({ vm, progress }: BootPageState): Content {
  const at = STEPS.findIndex(([status]) => status === vm.status);
  const steps = STEPS.map(([, label], index) => {
    if (index < at) return html`<li class="done">${label}</li>`;
    return index === at ? html`<li class="now" aria-current="step">${label}</li>` : html`<li>${label}</li>`;
  });
  const status = STEPS[at]?.[1] ?? 'Starting';
  const percent = vm.status === 'PULLING' && progress !== undefined ? Math.floor(progress.percent) : undefined;
  return {
    name: 'booting',
    // Without the percentage, which screen readers would announce up to four times per second.
    status,
    bar: percent ?? 'unknown',
    detail:
      percent === undefined
        ? attemptOf(vm.attempts, status, progress)
        : [`${percent} %`, bytesOf(progress)].filter(Boolean).join(', '),
    more: html`<ol>
      ${steps}
    </ol>`,
  };
}

function attemptOf(failed: number, status: string, progress: VmProgress | undefined): string | undefined {
  // Do not repeat the status.
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
