import { readFileSync } from 'node:fs';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { inProject } from '../../scripts/prepare/project.js';
import { dashboardStamp } from '../dashboard/dashboard-stamp.ts';

const FOLDERS = { dashboard: inProject('.runtime/dashboard'), pages: inProject('.runtime/vm-pages') };

/**
 * What is to be done so that the built pages are what the sources say; undefined when they are. Takes under a second.
 */
export function checkDashboard(): Need | undefined {
  const stamp = dashboardStamp();
  if (Object.values(FOLDERS).every((folder) => readStamp(folder) === stamp)) return undefined;
  return {
    quiet: true,
    why: 'the dashboard and the pages of VMs into .runtime: they are missing or do not match their sources',
    install: async () => {
      const { buildDashboard } = await import('../dashboard/build-dashboard.ts');
      const { buildVmPages } = await import('../dashboard/build-vm-pages.ts');
      await buildDashboard(FOLDERS.dashboard, stamp);
      await buildVmPages(FOLDERS.pages, stamp);
    },
  };
}

function readStamp(folder: string): string | undefined {
  try {
    return readFileSync(`${folder}/.built-for`, 'utf8');
  } catch {
    return undefined;
  }
}
