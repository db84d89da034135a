import { createTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';
import { useStarted } from './use-started.ts';

/** Starting and ending it takes a second or two; the removal of its containers as long as they take to stop. */
const HOOK_MS = 60_000;

/**
 * A gateway for the tests of the file or `describe` that calls this, see `useStarted`. A function gives options that are
 * known only once earlier hooks have run.
 */
export function useGateway(
  options: TestGatewayOptions | (() => TestGatewayOptions | Promise<TestGatewayOptions>) = {},
): TestGateway {
  const start = async () => createTestGateway(typeof options === 'function' ? await options() : options);
  const running = useStarted('gateway', start, HOOK_MS);
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
