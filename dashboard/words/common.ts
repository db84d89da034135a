import { number } from './format.ts';

type Subject = 'cpu' | 'ram' | 'storage' | 'running' | 'vms';

interface Check {
  readonly subject: Subject;
  readonly limit: number;
  readonly used: number;
  readonly more: number;
}

const LIMITS: Readonly<Record<Subject, (limit: string) => string>> = {
  cpu: (limit) => `${limit} vCPU of CPU`,
  ram: (limit) => `${limit} GB of memory`,
  storage: (limit) => `${limit} GB of storage`,
  running: (limit) => `${limit} running VMs`,
  vms: (limit) => `${limit} VMs, on or off`,
};

/** What more than one screen says. */
export const commonWords = {
  problem: {
    away: 'The gateway cannot be reached.',
    late: 'The gateway did not answer in time.',
    issuerAway: 'The sign-in service does not answer, so your session cannot be renewed now.',
    requestId: (id: string) => `Request ${id}`,
  },
  action: {
    tryAgain: 'Try again',
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    copy: 'Copy',
    copied: 'Copied',
    remove: 'Remove',
    show: 'Show',
    hide: 'Hide',
    reload: 'Reload it',
    reloadPage: 'Reload the page',
  },
  broken: 'This part broke.',
  notLoaded: 'This part could not be loaded. There may be a newer version of the page.',
  notFound: { title: 'There is nothing here.', link: 'Go to your VMs' },
  loading: 'Loading',
  /** The sentence of the API for a limit that would be passed. */
  preflight: (plan: string, { subject, limit, used, more }: Check) => {
    const need =
      more === 0 ? `${number(used, 2)} GB are in use` : `${number(used, 2)} in use and ${number(more, 2)} more needed`;
    return `The plan ${plan} allows ${LIMITS[subject](number(limit))}: ${need}.`;
  },
};
