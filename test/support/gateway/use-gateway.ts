import { afterAll, beforeAll } from 'vitest';
import { createTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';

/** Starting and ending it takes a second or two; the removal of its containers as long as they take to stop. */
const HOOK_MS = 60_000;

/**
 * A gateway for the tests of the file or `describe` that calls this: started before them and disposed of after them, in
 * the order of the other hooks. A function gives options that are known only once earlier hooks have run.
 */
export function useGateway(
  options: TestGatewayOptions | (() => TestGatewayOptions | Promise<TestGatewayOptions>) = {},
): TestGateway {
  let started: TestGateway | undefined;
  const running = (): TestGateway => {
    if (started === undefined) throw new Error('The gateway is started by a hook: use it in tests and in later hooks.');
    return started;
  };
  beforeAll(async () => {
    started = await createTestGateway(typeof options === 'function' ? await options() : options);
  }, HOOK_MS);
  afterAll(() => started?.[Symbol.asyncDispose](), HOOK_MS);

  return {
    get url() {
      return running().url;
    },
    get port() {
      return running().port;
    },
    get databaseUrl() {
      return running().databaseUrl;
    },
    token: (...args) => running().token(...args),
    graphql: (...args) => running().graphql(...args),
    reload: () => running().reload(),
    rest: (...args) => running().rest(...args),
    subscribe: (...args) => running().subscribe(...args),
    [Symbol.asyncDispose]: () => running()[Symbol.asyncDispose](),
  };
}
