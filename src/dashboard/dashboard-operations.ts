import type { Config } from '../config/config.ts';
import { readBuiltFile } from '../http/response/built-files.ts';

/** The texts of the page's operations; none if the page is turned off or has not been built. */
export async function loadDashboardOperations({ dashboard }: Pick<Config, 'dashboard'>): Promise<readonly string[]> {
  const text = dashboard === undefined ? undefined : await readBuiltFile('dashboard', 'operations.json');
  return text === undefined ? [] : Object.values(JSON.parse(text) as Record<string, string>);
}
