import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { command } from '../../vms/asked.ts';
import { link } from '../../connection/link-state.ts';
import { openLink, openVm } from '../../vms/open-vm.ts';
import { hasLostData, isGoing, isUp } from '../../vms/vm-facts.ts';
import { later } from '../../loading/later.tsx';
import type { MenuItem } from '../../parts/menu.tsx';
import { toast } from '../../parts/toast.tsx';
import { toProblem } from '../../api/problem.ts';
import { words } from '../../words/words.ts';

const RenameDialog = later(async () => (await import('./rename-dialog.tsx')).RenameDialog);
const ShareDialog = later(async () => (await import('../share/share-dialog.tsx')).ShareDialog);
const DeleteDialog = later(async () => (await import('../delete/delete-dialog.tsx')).DeleteDialog);

type DialogName = 'rename' | 'share' | 'delete';

/** The menu of a VM, in the list and on its own screen, with the dialog that it may have opened. */
export function useVmMenu(vm: Vm): {
  items: () => readonly MenuItem[];
  dialog: JSX.Element | null;
  openDialog: (name: DialogName) => void;
} {
  const [dialog, setDialog] = useState<DialogName>();
  const close = (): void => setDialog(undefined);
  return {
    items: () => itemsOf(vm, setDialog),
    openDialog: setDialog,
    dialog:
      dialog === 'rename' ? (
        <RenameDialog vm={vm} onClose={close} />
      ) : dialog === 'share' ? (
        <ShareDialog vm={vm} onClose={close} />
      ) : dialog === 'delete' ? (
        <DeleteDialog vm={vm} onClose={close} />
      ) : null,
  };
}

function itemsOf(vm: Vm, openDialog: (name: DialogName) => void): MenuItem[] {
  const { why } = words.command;
  const always = link.peek() === 'offline' ? why.offline : isGoing(vm) ? why.deleting : undefined;
  const { id, enabled } = vm;
  const notUp = always ?? (isUp(vm) ? undefined : why.notUp);
  return [
    { label: words.command.openTab, onSelect: () => void openVm(id), why: always },
    { label: words.command.copyLink, onSelect: () => void copyLink(id), why: always },
    { label: words.command.terminal, onSelect: () => void openVm(id, { page: 'terminal' }), why: notUp },
    { label: words.command.files, onSelect: () => void openVm(id, { page: 'files' }), why: notUp },
    { label: words.command.share, onSelect: () => openDialog('share'), why: always },
    {
      label: words.command.start,
      onSelect: () => void command(id, 'start'),
      why: always ?? (hasLostData(vm) ? why.dataLost : enabled ? why.on : undefined),
    },
    {
      label: words.command.stop,
      onSelect: () => void command(id, 'stop'),
      why: always ?? (enabled ? undefined : why.off),
    },
    {
      label: words.command.restart,
      onSelect: () => void command(id, 'restart'),
      why: always ?? (enabled ? undefined : why.off),
    },
    { label: words.command.logs, href: `/vm/${id}/logs` },
    { label: words.command.rename, onSelect: () => openDialog('rename'), why: always },
    { label: words.command.remove, onSelect: () => openDialog('delete'), why: always, isDanger: true },
  ];
}

async function copyLink(vmId: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(await openLink(vmId));
    toast(words.command.linkCopied);
  } catch (error) {
    toast(toProblem(error).message, { stays: true });
  }
}
