import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';
import { Dashboard } from './dashboard.ts';
import { loadBuiltFiles } from '../http/response/built-files.ts';

/** Undefined if the page is turned off or has not been built. */
export async function openDashboard({ dashboard, production }: Config, log: Log): Promise<Dashboard | undefined> {
  if (dashboard === undefined) return undefined;
  const files = await loadBuiltFiles('dashboard');
  if (files === undefined) log.warn('the dashboard is not built; npm start builds it, DASHBOARD=0 turns it off');
  return files && new Dashboard({ files, oidc: dashboard.oidc, graphiql: !production });
}
