import { describe, expect, it } from 'vitest';
import { renderMain } from '../../../src/ingress/waiting/boot-page-main.ts';
import type { BootPageState } from '../../../src/ingress/waiting/boot-page-state.ts';
import { redirectPath } from '../../../src/ingress/waiting/boot-page.ts';
import { VM_STATUSES, type VmStatus } from '../../../src/vm/vm-status.ts';

const FAILURE = {
  step: 'BOOTING',
  code: 'APP_EXITED',
  message: 'The app ended with 3.',
  exitCode: 3,
  oomKilled: false,
  logTail: ['<b>about</b> to fail'],
  at: '2026-01-02T03:04:05.000Z',
  retryAt: '2026-01-02T03:04:15.000Z',
} as const;

function view(status: VmStatus, more: Partial<BootPageState> = {}): string {
  const lastFailure = status === 'FAILED' ? FAILURE : null;
  const vm = { vmlabel: 'My <desk>', status, lastFailure, attempts: 0, enabled: status !== 'STOPPED' };
  const state: BootPageState = {
    vm,
    audience: 'owner',
    kind: 'Ubuntu',
    progress: undefined,
    violations: [],
    startPath: '/.swiftor/start?to=%2F',
    ...more,
  };
  return renderMain(state).toString().replaceAll(/\s+/g, ' ');
}

describe('the boot page of an owner', () => {
  it('shows a percentage while the image is downloaded, and an indeterminate bar otherwise', () => {
    const progress = { percent: 40.9, message: 'Downloading x.', bytesDone: 4_100_000, bytesTotal: 100_000_000 };
    const pulling = view('PULLING', { progress });
    expect(pulling).toContain('data-part="status">Downloading the image<');
    expect(pulling).toContain('<progress max="100" value="40"');
    expect(pulling).toContain('40 %, 4.1 of 100 MB');
    for (const status of ['QUEUED', 'STARTING', 'BOOTING'] as const) {
      expect(view(status, { progress: { percent: 100, message: 'On its way.' } })).toContain(
        '<progress aria-label="Under way">',
      );
    }
  });

  it('marks the present step and the completed ones', () => {
    const classes = [...view('STARTING').matchAll(/<li(?: class="(\w+)")?/g)].map(([, name]) => name);
    expect(classes).toEqual(['done', 'done', 'now', undefined]);
    expect(view('STARTING').match(/aria-current="step"/g)).toHaveLength(1);
  });

  it('shows a start button when the VM is off, with the plan violations', () => {
    expect(view('STOPPED')).toMatch(/<form method="post" action="\/\.swiftor\/start\?to=%2F"><button>Start</);
    const full = view('STOPPED', { violations: ['The plan Core allows 1 VM.', 'And no <more>.'] });
    expect(full).toContain('<li>The plan Core allows 1 VM.</li>');
    expect(full).toContain('<button aria-describedby="refusal">Start: your plan refuses it now</button>');
    expect(full).toContain('<li>And no &lt;more&gt;.</li>');
  });

  it('shows message, code, last lines and next retry of a failure', () => {
    const failed = view('FAILED');
    for (const part of [
      'The app ended with 3.',
      'APP_EXITED',
      '<dd>3</dd>',
      '&lt;b&gt;about&lt;/b&gt; to fail',
      '03:04:15 UTC',
      'Try again now',
    ]) {
      expect(failed).toContain(part);
    }
  });

  it('has a text for each status and escapes the label', () => {
    for (const status of VM_STATUSES) {
      const text = view(status);
      expect([status, /<p class="status"[^>]*>[^<]{5,}</.test(text)]).toEqual([status, true]);
      expect(text).not.toContain('<desk>');
    }
  });
});

describe('the boot page of a visitor', () => {
  it.each(VM_STATUSES)('reveals nothing about a VM that is %s', (status) => {
    const text = view(status, {
      audience: 'visitor',
      progress: { percent: 40, message: 'Downloading secret/image.' },
      violations: ['No room.'],
    });
    for (const secret of ['desk', 'Ubuntu', 'form', 'secret', 'APP_EXITED', '40', 'No room'])
      expect(text).not.toContain(secret);
    const kinds = new Set(VM_STATUSES.map((each) => view(each, { audience: 'visitor' })));
    expect(kinds.size).toBe(2);
  });
});

describe('redirectPath', () => {
  it.each([
    ['/.swiftor/start?to=%2Fa%3Fb%3Dc', '/a?b=c'],
    ['/.swiftor/start', '/'],
    ['/.swiftor/start?to=%2F%2Fevil.test', '/'],
    ['/.swiftor/start?to=%2F%5Cevil.test', '/'],
    ['/.swiftor/start?to=%2F%09%2Fevil.test', '/'],
    ['/.swiftor/start?to=https%3A%2F%2Fevil.test', '/'],
    ['/.swiftor/start?to=%2Fa%0D%0ASet-Cookie%3A%20x', '/'],
  ])('redirects %s to %s', (url, expected) => {
    expect(redirectPath(url)).toBe(expected);
  });
});

describe('the boot page of a guest', () => {
  it('says that it is shared, and neither its label, nor why it failed, nor how to start it', () => {
    const off = view('STOPPED', { audience: 'guest' });
    expect(off).toContain('Shared with you');
    expect(off).toContain('Only its owner can start it.');
    for (const status of VM_STATUSES) {
      const page = view(status, { audience: 'guest' });
      expect(page).toContain('<h1>Ubuntu</h1>');
      for (const secret of ['desk', 'APP_EXITED', 'about', '<form']) expect(page).not.toContain(secret);
    }
  });
});
