import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../../errors.ts';
import type { BootProgress } from '../../events/boot-progress.ts';
import type { VmProgress } from '../../events/vm-event.ts';
import type { Html } from '../../lib/html.ts';
import { startViolations } from '../../vm/limits.ts';
import { planOf, type VmDependencies } from '../../vm/commands/vm-command.ts';
import { startVm } from '../../vm/commands/vm-commands.ts';
import { isBooting } from '../../vm/vm-status.ts';
import { readUsage } from '../../vm/vm-store.ts';
import type { Vm } from '../../vm/vm.ts';
import { answerNotHere, answerPlain } from '../../http/plain-answer.ts';
import { originForm } from '../../http/request-target.ts';
import type { Sight } from '../routing/resolution.ts';
import { renderPage } from './waiting-page.ts';
import { waitingView } from './waiting-view.ts';

export const START_PATH = '/.swiftor/start';
export const EVENTS_PATH = '/.swiftor/events';

/** What a browser sees at the address of a VM that cannot be reached now, and what its owner can do there. */
export interface WaitingRoom {
  /** Answers 503 with the page. */
  show(req: IncomingMessage, res: ServerResponse, sight: Sight, retryAfterSeconds: number): Promise<void>;
  /** The page's main part as it is now; `path` is where the person wants to go. */
  view(sight: Sight, path: string, progress?: VmProgress): Promise<Html>;
  /** The start button: the command that startVm is, and back to where the person was. */
  start(req: IncomingMessage, res: ServerResponse, sight: Sight | undefined): Promise<void>;
}

interface WaitingRoomDependencies extends VmDependencies {
  readonly bootProgress: BootProgress;
  readonly addressOf: (req: IncomingMessage) => string;
}

export function createWaitingRoom(deps: WaitingRoomDependencies): WaitingRoom {
  const { db, catalog, bootProgress, addressOf } = deps;

  const readViolations = async (vm: Vm): Promise<string[]> => {
    const usage = await readUsage(db, vm.userId, vm.id);
    return startViolations(planOf(catalog, undefined, usage.plan), usage, vm).map(({ message }) => message);
  };

  const view: WaitingRoom['view'] = async ({ vm, ticket }, path, progress) => {
    const isOwner = ticket !== undefined;
    const canBeStarted = vm.status === 'STOPPED' || vm.status === 'FAILED';
    return waitingView({
      vm,
      isOwner,
      kind: catalog.distributions.get(vm.distribution)?.name ?? vm.distribution,
      progress: progress ?? bootProgress.find(vm.id, vm.status),
      // One that is on already takes nothing more of the plan.
      violations: isOwner && canBeStarted && !vm.enabled ? await readViolations(vm) : [],
      startPath: `${START_PATH}?to=${encodeURIComponent(path)}`,
    });
  };

  return {
    view,
    async show(req, res, sight, retryAfterSeconds) {
      const path = originForm(req.url ?? '/');
      const main = await view(sight, path);
      const { body, headers } = renderPage({
        title: sight.ticket === undefined ? 'One moment' : sight.vm.vmlabel,
        main,
        eventsPath: `${EVENTS_PATH}?of=${encodeURIComponent(path)}`,
        refreshSeconds: isBooting(sight.vm.status) ? 2 : 10,
      });
      answerPlain(res, 503, body, { ...headers, 'Retry-After': String(retryAfterSeconds) });
    },
    async start(req, res, sight) {
      if (sight?.ticket === undefined) return answerNotHere(res);
      if (req.method !== 'POST') return answerPlain(res, 405, 'The start button sends a POST.', { Allow: 'POST' });
      try {
        const { userId, until } = sight.ticket;
        await startVm(deps, { userId, expiresAt: until, from: addressOf(req) }, sight.vm.id);
      } catch (error) {
        // The page says why: its violations, or that the VM is being deleted.
        if (!(error instanceof ApiError)) throw error;
      }
      answerPlain(res, 303, '', { Location: wantedPath(req.url) });
    },
  };
}

/** Where the person was, a path of this very address; its front page when that is not what it says. */
export function wantedPath(url: string | undefined): string {
  const to = new URLSearchParams((url ?? '').split('?')[1]).get('to') ?? '/';
  // A browser reads `//host` and `/\host` as another host, and skips tabs and line ends in between.
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/';
}
