import { signal } from '@preact/signals';
import { ask } from '../connection/ask.ts';
import { toProblem, type Problem } from '../api/problem.ts';
import { Desk, UsageNow, type DeskData } from '../api/desk.ts';

/** The account, its plan, the regions and the catalog; undefined before the first answer. */
export const desk = signal<DeskData | undefined>(undefined);
/** Why the last try failed. */
export const deskProblem = signal<Problem | undefined>(undefined);

const USAGE_DELAY_MS = 300;
/** It rarely changes, so it is not loaded again this soon. */
const FRESH_MS = 15_000;
let usageTimer: ReturnType<typeof setTimeout> | undefined;
let loading: Promise<void> | undefined;
let loadedAt = -Infinity;

export function loadDesk(): Promise<void> {
  loading ??= load().finally(() => (loading = undefined));
  return loading;
}

async function load(): Promise<void> {
  try {
    desk.value = await ask(Desk, {});
    loadedAt = performance.now();
    deskProblem.value = undefined;
  } catch (error) {
    deskProblem.value = toProblem(error);
  }
}

/** Loads it again, unless that was done just now. */
export function refreshDesk(): void {
  if (performance.now() - loadedAt > FRESH_MS) void loadDesk();
}

/** Asks for the usage once the present burst of events is over. */
export function refreshUsage(): void {
  clearTimeout(usageTimer);
  usageTimer = setTimeout(() => void loadUsage(), USAGE_DELAY_MS);
}

async function loadUsage(): Promise<void> {
  // The next event asks again.
  const answer = await ask(UsageNow, {}).catch(() => undefined);
  const before = desk.peek();
  if (answer === undefined || before === undefined) return;
  if (answer.gateway.regionsChangedAt !== before.gateway.regionsChangedAt) return loadDesk();
  desk.value = { ...before, me: { ...before.me, usage: answer.me.usage } };
}
