import { inProject } from '../../scripts/prepare/project.js';
import { buildDashboard } from './build-dashboard.ts';
import { dashboardStamp } from './dashboard-stamp.ts';

// Vite keeps what is set, and a test runner sets 'test': the page would be that of a development build.
process.env['NODE_ENV'] = 'production';

/** `build.ts FOLDER`: builds the dashboard into a folder of the project; for the sources it is .runtime/dashboard. */
await buildDashboard(inProject(process.argv[2] ?? '.runtime/dashboard'), dashboardStamp());
