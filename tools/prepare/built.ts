import { readFileSync } from 'node:fs';
import type { Check, Need } from '../../scripts/prepare/meet-needs.js';
import { inProject } from '../../scripts/prepare/project.js';
import { dashboardStamp } from '../dashboard/dashboard-stamp.ts';
import { serverStamp } from '../server/server-stamp.ts';

/**
 * What is to be done so that the built pages are what the sources say; undefined when they are. Takes under a second.
 */
export const checkDashboard: Check = checkBuilt({
  folders: ['.runtime/dashboard', '.runtime/vm-pages'],
  stamp: dashboardStamp,
  why: 'the dashboard and the pages of VMs into .runtime: they are missing or do not match their sources',
  build: async (stamp) => {
    const { buildDashboard } = await import('../dashboard/build-dashboard.ts');
    const { buildVmPages } = await import('../dashboard/build-vm-pages.ts');
    await buildDashboard(inProject('.runtime/dashboard'), stamp);
    await buildVmPages(inProject('.runtime/vm-pages'), stamp);
  },
});

/** The same for the bundled server. */
export const checkServer: Check = checkBuilt({
  folders: ['.runtime/src'],
  stamp: serverStamp,
  why: 'the server into .runtime: it is missing or does not match its sources',
  build: async (stamp) => {
    const { buildServer } = await import('../server/build-server.ts');
    await buildServer(inProject('.runtime'), stamp);
  },
});

interface Build {
  readonly folders: readonly string[];
  /** Changes whenever what is built would. */
  readonly stamp: () => string;
  readonly why: string;
  readonly build: (stamp: string) => Promise<void>;
}

function checkBuilt({ folders, stamp, why, build }: Build): () => Need | undefined {
  return () => {
    const wanted = stamp();
    if (folders.every((folder) => readStamp(folder) === wanted)) return undefined;
    return { quiet: true, why, install: () => build(wanted) };
  };
}

function readStamp(folder: string): string | undefined {
  try {
    return readFileSync(inProject(folder, '.built-for'), 'utf8');
  } catch {
    return undefined;
  }
}
