import { inProject } from '../../scripts/prepare/project.js';
import { buildDashboard } from './build-dashboard.ts';
import { buildVmPages } from './build-vm-pages.ts';
import { dashboardStamp } from './dashboard-stamp.ts';

// Vite keeps what is set, and a test runner sets 'test': the page would be that of a development build.
process.env['NODE_ENV'] = 'production';

/**
 * `build.ts FOLDER`: builds `dashboard` and `vm-pages` into a folder of the project; for the sources it is .runtime.
 */
const folder = process.argv[2] ?? '.runtime';
await buildDashboard(inProject(folder, 'dashboard'), dashboardStamp());
await buildVmPages(inProject(folder, 'vm-pages'), dashboardStamp());
