import { afterAll, beforeAll } from 'vitest';
import type { EngineDriver } from '../../../../src/engine/driver.ts';
import { openEngineProxy, type EngineProxy } from './engine-proxy.ts';
import { newInstallationId, removeInstallation, testDriver, testImage } from '../engines.ts';

interface ProxiedDriver {
  readonly installationId: string;
  readonly proxy: EngineProxy;
  readonly driver: EngineDriver;
}

/** A driver that reaches the engine through a proxy, for the tests of the file that calls this. Leaves nothing. */
export function useProxiedDriver(): ProxiedDriver {
  const installationId = newInstallationId();
  let opened: { proxy: EngineProxy; driver: EngineDriver } | undefined;
  const running = () => {
    if (opened === undefined) throw new Error('The driver is opened by a hook: use it in tests and in later hooks.');
    return opened;
  };
  beforeAll(async () => {
    await testImage();
    const proxy = await openEngineProxy();
    opened = { proxy, driver: testDriver(installationId, { endpoint: proxy.endpoint }) };
  });
  afterAll(async () => {
    await opened?.driver.close();
    await opened?.proxy[Symbol.asyncDispose]();
    await removeInstallation(installationId);
  }, 60_000);
  return {
    installationId,
    get proxy() {
      return running().proxy;
    },
    get driver() {
      return running().driver;
    },
  };
}
