import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Config } from './config/config.ts';
import { readConfig } from './config/read-config.ts';
import { collectGarbage } from './lib/collect-garbage.ts';
import { createLog, type Log } from './log.ts';

const USAGE = `swiftor serve
    run the gateway
swiftor migrate
    migrate the database of DATABASE_URL to the latest version
swiftor schema
    write the GraphQL schema to schema.graphql
swiftor rotate-secrets [--renew]
    encrypt all secrets with SECRETS_KEY instead of SECRETS_KEY_PREVIOUS; gateways may be running
    --renew also replaces the data keys, which ends open links to VMs at the next start of the gateways
swiftor orphans list
    list resources on the engines whose VMs are not in the database
swiftor orphans adopt VM_ID [--user ID] [--region CODE] [--distribution CODE] [--desktop NAME]
                            [--cpu N] [--ram GB] [--vmlabel TEXT]
    restore the VM with its volumes, turned off; the options replace what its labels lack
swiftor orphans remove VM_ID
    delete its containers and volumes permanently
swiftor token --user ID [--plan CODE] [--ttl 1h]
    print an access token
`;

/** Within this time, a second signal is a duplicate: terminal and npm both send one for the same Ctrl-C. */
const DUPLICATE_SIGNAL_MS = 1_000;
const DRAIN_DEADLINE_MS = 10_000;
/** After the first requests of clients that waited for the start. */
const SETTLED_AFTER_MS = 3_000;

const [command = '', ...args] = process.argv.slice(2);
const commands: Readonly<Record<string, () => Promise<void>>> = {
  serve,
  migrate,
  schema,
  token,
  'rotate-secrets': rotateSecrets,
  orphans,
};

try {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) throw new Error(`"${command}" is not a command.\n${USAGE}`);
  await run();
} catch (error) {
  if (!(error instanceof Error && error.name === 'AbortError')) {
    const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.message}` : '';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${cause}\n`);
    process.exitCode = 1;
  }
}

async function serve(): Promise<void> {
  const startedAt = performance.now();
  const config = readConfig(process.env);
  const log = await createLog({ level: config.logLevel, pretty: process.stdout.isTTY && !config.production });
  const ending = endOnSignal(log);
  const { startServer } = await import('./server.ts');
  const server = await startServer(config, log, ending);
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
  const { signInAddress } = await import('./dashboard/sign-in-address.ts');
  const address = await signInAddress(config, origin);
  if (address !== undefined) process.stdout.write(`\nOpen this to sign in:\n${address}\n\n`);
}

/** Aborts at the first signal. Exits the process at the deadline, or at a second signal. */
function endOnSignal(log: Log): AbortSignal {
  const ending = new AbortController();
  let first: number | undefined;
  const end = (name: NodeJS.Signals): void => {
    if (first === undefined) {
      first = Date.now();
      log.info({ signal: name }, 'shutting down: draining requests and reconciliations');
      setTimeout(() => process.exit(1), DRAIN_DEADLINE_MS).unref();
      ending.abort();
    } else if (Date.now() - first > DUPLICATE_SIGNAL_MS) process.exit(1);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end);
  return ending.signal;
}

async function migrate(): Promise<void> {
  const { databaseUrl, logLevel } = readConfig(process.env);
  if (databaseUrl === undefined) throw new Error('Set DATABASE_URL; the embedded database is migrated at each start.');
  const { migrateToLatest } = await import('./db/migrate.ts');
  await migrateToLatest(databaseUrl, await createLog({ level: logLevel }));
}

async function rotateSecrets(): Promise<void> {
  const { values } = parseArgs({ args, options: { renew: { type: 'boolean', default: false } } });
  const config = readConfig(process.env);
  const log = await createLog({ level: config.logLevel, pretty: process.stdout.isTTY });
  const signal = endOnSignal(log);
  const [{ openDatabase }, { readInstallation }, { readKeys }, { rotateSecrets: rotate }, { SecretBox }] =
    await Promise.all([
      import('./db/open-database.ts'),
      import('./secrets/installation.ts'),
      import('./secrets/keys.ts'),
      import('./secrets/rotate-secrets.ts'),
      import('./secrets/secret-box.ts'),
    ]);
  await using database = await openDatabase(config, log, signal);
  const { keyRing } = await readKeys(config);
  const { keys } = await readInstallation(database.db, keyRing);
  const vault = { db: database.db, keyRing, secretBox: new SecretBox(keyRing, keys) };
  const { dataKeys, values: secrets } = await rotate(vault, { renew: values.renew, signal });
  process.stdout.write(
    `Re-encrypted ${dataKeys} data keys and ${secrets} secrets. SECRETS_KEY alone decrypts everything; unset ` +
      'SECRETS_KEY_PREVIOUS.\n',
  );
}

async function orphans(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { user: text, region: text, distribution: text, desktop: text, cpu: text, ram: text, vmlabel: text },
  });
  const [action, id, ...more] = positionals;
  const { user, cpu, ram, ...rest } = values;
  const given = {
    ...rest,
    ...(user !== undefined && { userId: user }),
    ...(cpu !== undefined && { cpu: Number(cpu) }),
    ...(ram !== undefined && { ramGb: Number(ram) }),
  };
  const { runOrphans } = await import('./orphans-command.ts');
  const config = readConfig(process.env);
  // Standard output is for the results of the command.
  const log = await createLog({ level: 'silent' });
  const run = (command: Parameters<typeof runOrphans>[0]): Promise<void> => {
    return runOrphans(command, { config, log, print: (line) => process.stdout.write(`${line}\n`) }, endOnSignal(log));
  };
  if (action === 'list' && id === undefined) return run({ action });
  if (action === 'remove' && id !== undefined && more.length === 0) return run({ action, id });
  if (action === 'adopt' && id !== undefined && more.length === 0) return run({ action, id, given });
  throw new Error(`Name an action and its VM.\n${USAGE}`);
}

async function schema(): Promise<void> {
  const { printedSchema } = await import('./graphql/schema/schema.ts');
  await writeFile(fileURLToPath(new URL('../schema.graphql', import.meta.url)), printedSchema());
}

async function token(): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { user: { type: 'string' }, plan: { type: 'string' }, ttl: { type: 'string', default: '1h' } },
  });
  if (values.user === undefined) throw new Error(`The option --user is missing.\n${USAGE}`);
  const config = readConfig(process.env);
  const [{ readKeys }, { signToken }, { parseDuration }] = await Promise.all([
    import('./secrets/keys.ts'),
    import('./auth/jwt.ts'),
    import('./config/parse-duration.ts'),
  ]);
  const { jwtSecret } = await readKeys(config);
  const claims = {
    userId: values.user,
    ttlSeconds: parseDuration(values.ttl),
    ...(values.plan !== undefined && { plan: values.plan }),
  };
  process.stdout.write(`${await signToken(claims, { ...config.jwt, secret: jwtSecret })}\n`);
}
