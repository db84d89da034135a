import { readFileSync } from 'node:fs';
import type { Need } from '../../scripts/prepare/meet-needs.js';
import { inProject } from '../../scripts/prepare/project.js';
import { dashboardStamp } from '../dashboard/dashboard-stamp.ts';

const FOLDER = inProject('.runtime/dashboard');

/**
 * What is to be done so that .runtime/dashboard is what the sources say; undefined when it is. Takes under a second.
 */
export function checkDashboard(): Need | undefined {
  const stamp = dashboardStamp();
  if (readStamp() === stamp) return undefined;
  return {
    quiet: true,
    why: 'the dashboard into .runtime/dashboard: it is missing or does not match its sources',
    install: async () => {
      const { buildDashboard } = await import('../dashboard/build-dashboard.ts');
      await buildDashboard(FOLDER, stamp);
    },
  };
}

function readStamp(): string | undefined {
  try {
    return readFileSync(`${FOLDER}/.built-for`, 'utf8');
  } catch {
    return undefined;
  }
}
