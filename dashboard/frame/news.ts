import type { VmEvent } from '../api/vm-events.ts';
import { toast } from '../parts/toast.tsx';
import { words } from '../words/words.ts';
import { awaited } from '../vms/awaited.ts';
import { newsOf } from './news-of.ts';
import { openVm } from '../vms/open-vm.ts';
import { onVmEvents } from '../vms/vms.ts';

/** Tells what happened to VMs that are not on the screen. `go` opens an address. Returns the way to stop. */
export function tellNews(go: (path: string) => void): () => void {
  return onVmEvents((events) => events.forEach((event) => tell(event, go)));
}

function tell(event: VmEvent, go: (path: string) => void): void {
  const { vmId } = event;
  const news = newsOf(event, Date.now());
  if (news === undefined) return;
  if (news.isRunning && awaited.peek().has(vmId)) notify(news.text);
  if (isShown(vmId)) return;
  toast(
    news.text,
    news.isRunning
      ? { action: { label: words.toast.open, run: () => void openVm(vmId) } }
      : { stays: true, action: { label: words.toast.why, run: () => go(`/vm/${vmId}`) } },
  );
}

function notify(text: string): void {
  try {
    new Notification(text);
  } catch {
    // Browsers of phones have permissions, but no notifications of pages.
    toast(text, { stays: true });
  }
}

/** What is on the screen needs no toast. */
function isShown(vmId: string): boolean {
  return location.pathname.startsWith(`/vm/${vmId}`) || document.querySelector(`[data-vm="${vmId}"]`) !== null;
}
