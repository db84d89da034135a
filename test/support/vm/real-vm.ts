import type { Page } from 'playwright-core';
import { eventually } from '../eventually.ts';
import type { TestGateway } from '../gateway/gateway.ts';
import { createOpenLink } from '../ingress/open-vm.ts';

/**
 * An entry whose registry nobody reaches, as on a machine without one; also where the tests run on one that reaches
 * all.
 */
export const NO_REGISTRY = '127.0.0.1:9';

/** Opens the VM's link. Chromium breaks off what it loads whenever this machine's network changes: then again. */
export async function openByLink(page: Page, gateway: TestGateway, token: string, vmId: string): Promise<void> {
  await eventually(async () => page.goto((await createOpenLink(gateway, token, vmId)).href), { deadline: 60_000 });
}

/** Rejects when the VM does not run in time. */
export async function awaitRunning(gateway: TestGateway, token: string, vmId: string): Promise<void> {
  const look = async () => {
    const { data } = await gateway.graphql<{ vm: { status: string } }>(token, `{ vm(id: "${vmId}") { status } }`);
    return data?.vm.status === 'RUNNING';
  };
  await eventually(look, { deadline: 90_000 });
}
