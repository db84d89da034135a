import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestDatabase } from '../database/database.ts';
import { API_ENV, apiClient, type Api } from './api.ts';
import { startGatewayProcess, type GatewayProcess } from '../gateway/gateway-process.ts';

/** A gateway as `startApi` starts it, in a process of its own: what ends it would be seen, and it can be killed. */
export interface ApiProcess extends Api, GatewayProcess {
  readonly url: string;
  readonly lines: readonly string[];
  /** The lines of its log at this level or above, and all that is no log. */
  linesFrom(level: number): string[];
}

export async function startApiProcess(env: Readonly<Record<string, string>> = {}): Promise<ApiProcess> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-api-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const databaseUrl = env['DATABASE_URL'] ?? undo.use(await createTestDatabase()).url;
  const settings = { NODE_OPTIONS: '--trace-warnings', ...API_ENV, DATA_DIR: dataDir, DATABASE_URL: databaseUrl };
  const gateway = undo.use(await startGatewayProcess({ ...settings, ...env }));
  const parts = undo.move();
  return {
    ...gateway,
    ...apiClient(gateway.url),
    port: Number(new URL(gateway.url).port),
    databaseUrl,
    linesFrom: (level) =>
      gateway.lines.filter((line) => !line.startsWith('{') || (JSON.parse(line) as { level: number }).level >= level),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
