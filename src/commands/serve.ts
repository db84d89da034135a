import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { SETTINGS } from '../config/environment.ts';
import { findMisspeltSettings } from '../config/find-misspelt-settings.ts';
import { readConfig } from '../config/read-config.ts';
import { collectGarbage } from '../lib/collect-garbage.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from './end-on-signal.ts';

/** After the first requests of clients that waited for the start. */
const SETTLED_AFTER_MS = 3_000;

/** `swiftor serve`. */
export async function serve(args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  parseArgs({ args: [...args], options: {} });
  const config = readConfig(process.env);
  const log = await createLog({ level: config.logLevel, pretty: process.stdout.isTTY && !config.production });
  for (const { name, meant } of findMisspeltSettings(process.env, SETTINGS))
    log.warn({ setting: name }, `${name} is not a setting; ${meant} is, and is not set`);
  let reload = (): void => undefined;
  // A terminal that is closed sends it too, and then there is nobody left to serve for.
  const ending = endOnSignal(log, process.stdout.isTTY ? undefined : () => reload());
  // Loaded after that: invalid settings are said at once.
  const { startServer } = await import('../server.ts');
  const server = await startServer(config, log, ending);
  reload = () => void server.reload();
  const host = config.baseDomain === 'localhost' ? `localhost:${server.address.port}` : config.baseDomain;
  const origin = `${config.publicScheme}://${host}`;
  const readyMs = Math.round(performance.now() - startedAt);
  log.info({ listening: `${server.address.address}:${server.address.port}`, readyMs }, `ready: ${origin}/graphql`);
  if (process.stdout.isTTY) await printSignIn(config, origin);
  // Loading hundreds of modules leaves about 40 MB of garbage, which an idle gateway would not collect.
  const settle = (): void => {
    collectGarbage();
    // Otherwise Node writes it at the end of the process, which may be a kill.
    flushCompileCache();
  };
  const settling = setTimeout(settle, SETTLED_AFTER_MS).unref();
  if (!ending.aborted) await once(ending, 'abort');
  clearTimeout(settling);
  await server.close();
  log.info('stopped');
}

/** To the terminal and not to the log, because the address contains a token. */
async function printSignIn(config: Config, origin: string): Promise<void> {
  const { signInAddress } = await import('../dashboard/sign-in-address.ts');
  const address = await signInAddress(config, origin);
  if (address !== undefined) process.stdout.write(`\nOpen this to sign in:\n${address}\n\n`);
}
