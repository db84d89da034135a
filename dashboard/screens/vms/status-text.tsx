import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { shownSince } from '../../connection/link-state.ts';
import { attemptOf, failingOf } from '../../vms/vm-facts.ts';
import { StatusGlyph } from '../../parts/status.tsx';
import { words } from '../../words/words.ts';

/** What a VM does now: shape, colour and word, then what there is to know. */
export function StatusText({ vm }: { vm: Vm }): JSX.Element {
  const { title, detail, next, percent } = describe(vm);
  return (
    <>
      <p class="status-line">
        <StatusGlyph status={vm.status} />
        <span>{title}</span>
        {shownSince.value !== undefined && <span class="quiet small">{words.asOf(shownSince.value)}</span>}
      </p>
      {percent !== undefined && <progress max={100} value={percent} aria-label={words.status.PULLING} />}
      {detail !== undefined && <p class="quiet small status-detail">{detail}</p>}
      {next !== undefined && <p class="quiet small">{next}</p>}
    </>
  );
}

interface Description {
  readonly title: string;
  readonly detail?: string | undefined;
  /** What happens next. A long detail is cut, and this is not. */
  readonly next?: string | undefined;
  readonly percent?: number | undefined;
}

function describe(vm: Vm): Description {
  const title = words.statusOf(vm.status, failingOf(vm));
  const { status, lastFailure, progress } = vm;
  if (status === 'RUNNING') {
    return {
      title: vm.startedAt === null ? title : `${title}, ${words.row.since(vm.startedAt)}`,
      detail: vm.changeUndone ? words.row.undone : undefined,
    };
  }
  if (status === 'STOPPED')
    return { title: vm.storageUsedGb > 0 ? `${title} · ${words.row.keeps(vm.storageUsedGb)}` : title };
  if (status === 'FAILED') {
    const { message, retryAt } = lastFailure ?? {};
    return { title, detail: message, next: retryAt == null ? undefined : words.row.again(retryAt) };
  }
  if (status === 'UNKNOWN')
    return { title, detail: vm.observedAt === null ? undefined : words.row.lastSeen(vm.observedAt) };
  const attempt = attemptOf(vm) > 1 ? words.row.attempt(attemptOf(vm)) : undefined;
  if (status === 'PULLING' && progress !== null) {
    const { bytesDone, bytesTotal, percent } = progress;
    const bytes =
      bytesDone === null || bytesTotal === null || bytesTotal === 0
        ? undefined
        : words.row.bytes(bytesDone, bytesTotal);
    return { title: `${title} ${percent} %`, detail: [bytes, attempt].filter(Boolean).join(', '), percent };
  }
  return { title, detail: attempt };
}
