import type { JSX } from 'preact';
import type { VmStatus } from '../api/vm-fields.ts';

type Tone = 'on' | 'moving' | 'bad' | 'warn' | 'off' | 'unknown';

const TONES: Readonly<Record<VmStatus, Tone>> = {
  STOPPED: 'off',
  QUEUED: 'moving',
  PULLING: 'moving',
  STARTING: 'moving',
  BOOTING: 'moving',
  RUNNING: 'on',
  DEGRADED: 'warn',
  STOPPING: 'moving',
  FAILED: 'bad',
  DELETING: 'moving',
  DELETED: 'off',
  UNKNOWN: 'unknown',
};

function toneOf(status: VmStatus): Tone {
  return TONES[status];
}

/**
 * A shape for each tone, so that no status is told by its colour alone. Its word stands beside it. Each drawing makes
 * its own elements: Preact sets an element's parent, and a shared one would keep every tree that it has been in.
 */
const SHAPES: Readonly<Record<Tone, () => JSX.Element>> = {
  on: () => <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  moving: () => (
    <>
      <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
    </>
  ),
  bad: () => <path d="M6 1.3L11.2 10.5H.8z" fill="currentColor" />,
  warn: () => (
    <path d="M6 1.3L11.2 10.5H.8z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
  ),
  off: () => <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" />,
  unknown: () => (
    <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.1 2.1" />
  ),
};

export function StatusGlyph({ status }: { status: VmStatus }): JSX.Element {
  const tone = toneOf(status);
  return (
    <svg class={`glyph ${tone}`} viewBox="0 0 12 12" aria-hidden="true">
      {SHAPES[tone]()}
    </svg>
  );
}
