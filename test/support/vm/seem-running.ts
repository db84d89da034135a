import { createVm } from './vms.ts';
import { executeSql } from '../database/execute-sql.ts';
import type { TestGateway } from '../gateway/gateway.ts';

/**
 * Creates a VM whose row says that it runs at 127.0.0.1, for tests of what lies between a browser and an app. The
 * gateway must not have the role `reconciler`.
 */
export async function createSeeminglyRunningVm(
  gateway: TestGateway,
  token: string,
  distribution: string,
): Promise<string> {
  const id = await createVm(gateway, token, { distribution, desktop: null });
  const { databaseUrl } = gateway;
  await executeSql(
    databaseUrl,
    `update vm set status = 'RUNNING', enabled = true, engine_ref = id::text, address = '127.0.0.1' where id = '${id}'`,
  );
  return id;
}
