import { time } from './format.ts';
import type { Failing } from './status.ts';

const FAILED: Readonly<Record<Failing, string>> = {
  start: 'did not start',
  run: 'stopped unexpectedly',
  stop: 'could not be stopped',
};

/** The header, the banners, signing in. */
export const frameWords = {
  product: 'Swiftor',
  skip: 'Skip to content',
  nav: { label: 'Main', vms: 'VMs', catalog: 'Catalog', activity: 'Activity', account: 'Account' },
  palette: {
    open: 'Search and commands',
    placeholder: 'VM, action or screen',
    none: 'Nothing matches.',
    screens: 'Go to',
    actions: 'Actions',
  },
  accountMenu: { label: 'Account menu', account: 'Account and plan', signOut: 'Sign out' },
  link: {
    live: 'Live',
    connecting: 'Connecting…',
    reconnecting: 'Reconnecting…',
    offline: 'Offline',
    away: 'Not connected',
    crowded: 'Paused',
  },
  banner: {
    offline: (since: number) => `You are offline. What you see is from ${time(since)}.`,
    away: 'The gateway does not answer. Your VMs keep running. Trying again…',
    crowded: 'Too many windows of this account are open.',
    tryHere: 'Try here',
    newer: 'There is a newer version of this page.',
    reload: 'Reload',
    ending: (at: number) => `Your session ends at ${time(at)}.`,
    signInAgain: 'Sign in again',
    region: (name: string) => `${name} cannot start VMs now. Starts wait until it can.`,
  },
  sessionEnded: 'Your session has ended.',
  restoring: 'Signing you in…',
  restoringLate: 'The sign-in service does not answer. Trying again…',
  asOf: (at: number) => `as of ${time(at)}`,
  toast: {
    label: 'News',
    running: (name: string) => `${name} is running.`,
    failed: (name: string, failing: Failing) => `${name} ${FAILED[failing]}.`,
    open: 'Open',
    why: 'Why',
  },
};
