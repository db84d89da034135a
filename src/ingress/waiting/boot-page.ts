import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../../errors.ts';
import { searchOf } from '../../http/request/search-of.ts';
import type { BootProgress } from '../../events/boot-progress.ts';
import type { VmProgress } from '../../events/vm-event.ts';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { originForm } from '../../http/request/request-target.ts';
import type { Html } from '../../lib/html.ts';
import { planOf } from '../../catalog/plan-of.ts';
import type { VmDependencies } from '../../vm/commands/vm-command.ts';
import { startVm } from '../../vm/commands/vm-commands.ts';
import { startViolations } from '../../vm/limits.ts';
import { suspensionMessage } from '../../vm/restrictions/suspension.ts';
import { isBooting } from '../../vm/vm-status.ts';
import { readUsage } from '../../vm/read-usage.ts';
import type { Vm } from '../../vm/vm.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import { BOOT_SCRIPT } from '../pages/page-assets.ts';
import { renderPage } from '../pages/render-page.ts';
import type { VmView } from '../routing/resolution.ts';
import { renderMain, titleOf } from './boot-page-main.ts';
import type { Audience } from './boot-page-state.ts';

export const START_PATH = '/.swiftor/start';
export const EVENTS_PATH = '/.swiftor/events';

interface BootPageOptions extends VmDependencies {
  readonly bootProgress: BootProgress;
  readonly addressOf: (req: IncomingMessage) => string;
}

/**
 * The page at the address of a VM that cannot be reached: it follows the boot, and its owner can start the VM there.
 */
export class BootPage {
  readonly #options: BootPageOptions;

  constructor(options: BootPageOptions) {
    this.#options = options;
  }

  /** Answers 503 with the page. */
  async show(req: IncomingMessage, res: ServerResponse, view: VmView, retryAfterSeconds: number): Promise<void> {
    const path = originForm(req.url ?? '/');
    const { body, headers } = renderPage({
      title: titleOf({ vm: view.vm, audience: audienceOf(view), kind: this.#kindOf(view.vm) }),
      main: await this.renderMain(view, path),
      script: BOOT_SCRIPT,
      eventsPath: `${EVENTS_PATH}?of=${encodeURIComponent(path)}`,
      refreshSeconds: isBooting(view.vm.status) ? 2 : 10,
    });
    answerPlain(res, 503, body, { ...headers, 'Retry-After': String(retryAfterSeconds) });
  }

  /** Renders the main part of the page. `path` is the path that the person requested. */
  async renderMain(view: VmView, path: string, progress?: VmProgress): Promise<Html> {
    const { bootProgress } = this.#options;
    const { vm } = view;
    const canBeStarted = vm.status === 'STOPPED' || vm.status === 'FAILED';
    return renderMain({
      vm,
      audience: audienceOf(view),
      kind: this.#kindOf(vm),
      progress: progress ?? bootProgress.find(vm.id, vm.status),
      // A VM that is enabled already counts towards the plan.
      violations: audienceOf(view) === 'owner' && canBeStarted && !vm.enabled ? await this.#readViolations(vm) : [],
      startPath: `${START_PATH}?to=${encodeURIComponent(path)}`,
    });
  }

  /** Handles the start button: runs startVm, then redirects back to the requested path. */
  async start(req: IncomingMessage, res: ServerResponse, view: VmView | undefined): Promise<void> {
    if (view?.ticket === undefined || view.ticket.isGuest) return answerNotHere(res);
    if (req.method !== 'POST') return answerPlain(res, 405, 'The start button sends a POST.', { Allow: 'POST' });
    try {
      const { userId, until } = view.ticket;
      await startVm(this.#options, { userId, expiresAt: until, from: this.#options.addressOf(req) }, view.vm.id);
    } catch (error) {
      // The page shows the reason: plan violations, a suspension, or that the VM is being deleted.
      if (!(error instanceof ApiError)) throw error;
    }
    answerPlain(res, 303, '', { Location: redirectPath(req.url) });
  }

  #kindOf({ distribution }: Vm): string {
    return this.#options.catalog.distributions.get(distribution)?.name ?? distribution;
  }

  async #readViolations(vm: Vm): Promise<string[]> {
    const { db, catalog } = this.#options;
    const usage = await readUsage(db, vm.userId, vm.id);
    const { operatorPlan: byOperator, plan: own, suspension } = usage;
    const violations = startViolations(planOf(catalog, { byOperator, byToken: undefined, own }), usage, vm);
    const messages = violations.map(({ message }) => message);
    return suspension === undefined ? messages : [suspensionMessage(suspension), ...messages];
  }
}

function audienceOf({ ticket }: VmView): Audience {
  if (ticket === undefined) return 'visitor';
  return ticket.isGuest ? 'guest' : 'owner';
}

/** The path in the parameter `to`, or `/` unless it is a path of this host. */
export function redirectPath(url: string | undefined): string {
  const to = new URLSearchParams(searchOf(url)).get('to') ?? '/';
  // Browsers treat `//host` and `/\host` as another host, and ignore tabs and line breaks in between.
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/';
}
