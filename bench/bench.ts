import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signToken } from '../src/auth/jwt.ts';
import { startEmbeddedPostgres } from '../src/db/embedded/embedded-postgres.ts';
import { createLog } from '../src/log.ts';
import { executeSql, urlOfDatabase } from '../test/support/database/execute-sql.ts';
import { docker } from '../test/support/engine/engines.ts';
import { testImage } from '../test/support/engine/tiny-image.ts';
import { openEngineSocket } from './support/engine-socket.ts';
import { formatFigures, type Figure } from './support/figure.ts';
import { startGateway } from './support/gateway-under-test.ts';
import { measureBoot } from './boot/measure-boot.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { measureIdle } from './growth/measure-idle.ts';
import { measureIngress, type App } from './ingress/measure-ingress.ts';
import { measureLists } from './lists/measure-lists.ts';
import { measurePush } from './push/measure-push.ts';
import { measureScale } from './scale/measure-scale.ts';
import { parseScaleSize } from './scale/scale-options.ts';
import { importNginxImage } from './ingress/nginx.ts';
import { accepts, answersPage } from './boot/raw-machine.ts';
import { removeInstallation } from './support/remove-installation.ts';

/**
 * `npm run bench` compares the gateway with a baseline that does the same work without it. Both alternate within one
 * run, so the ratios hold on a busy machine, unlike the absolute numbers. `npm run bench -- push` measures one part.
 * The bench removes everything it made, even if it is interrupted.
 */
const DISTRIBUTION = 'tiny';
const APP_PORT = 3000;
const JWT_SECRET = randomUUID();
const DESKTOP = {
  image: 'local/webtop:debian-xfce',
  vm: { distribution: 'debian', desktop: 'xfce' },
} as const;
/** The files that the bench's apps serve. */
const SMALL = { name: 'small.html', bytes: 1_400 } as const;
const LARGE = { name: 'large.bin', bytes: 8 * 2 ** 20 } as const;

/** The environment of a part. */
interface Bench {
  /** An empty directory of the part's own. */
  readonly dataDir: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The parts by name, in the order they run. */
const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Figure[]>>> = {
  idle: measureIdle,
  boot: measureBoots,
  lists: (bench) =>
    withGateway(bench, async ({ gateway, databaseUrl }) =>
      measureLists({ ...bench, gateway, databaseUrl, jwtSecret: JWT_SECRET }),
    ),
  growth: (bench) =>
    withGateway(bench, async ({ gateway, databaseUrl }) =>
      measureGrowth({ ...bench, gateway, databaseUrl, jwtSecret: JWT_SECRET }),
    ),
  ingress: measureIngressOfApps,
  push: (bench) =>
    withDatabase(bench, async (databaseUrl) =>
      measurePush({
        env: { DATABASE_URL: databaseUrl, DATA_DIR: path.join(bench.dataDir, 'gateway'), JWT_SECRET },
        ...bench,
      }),
    ),
};

/** Parts that run only if they are named: they take long, or have flags of their own. */
const NAMED: Readonly<Record<string, (bench: Bench, args: readonly string[]) => Promise<Figure[]>>> = {
  scale: (bench, args) =>
    withDatabase(
      bench,
      (databaseUrl) => measureScale({ ...bench, databaseUrl, jwtSecret: JWT_SECRET, size: parseScaleSize(args) }),
      // As an operator sizes the database of several gateways.
      { max_connections: '300', shared_buffers: '256MB', max_wal_size: '2GB' },
    ),
};

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
}
const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const figures = await measure(process.argv.slice(2), interrupted.signal);
  print(`\n${formatFigures(figures)}`);
} catch (error) {
  const why: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
  process.stderr.write(`The bench failed: ${why instanceof Error ? why.message : String(why)}\n`);
  process.exitCode = 1;
}

async function measure(args: readonly string[], signal: AbortSignal): Promise<Figure[]> {
  const firstFlag = args.findIndex((arg) => arg.startsWith('-'));
  const names = firstFlag < 0 ? args : args.slice(0, firstFlag);
  const flags = args.slice(names.length);
  const known = { ...PARTS, ...NAMED };
  const unknown = names.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is not a part; the parts are ${Object.keys(known).join(', ')}.`);
  if (flags.length > 0 && !names.every((name) => Object.hasOwn(NAMED, name)))
    throw new Error('Only the part scale has flags: npm run bench -- scale --nodes 10.');
  const figures: Figure[] = [];
  for (const [name, measurePart] of Object.entries(names.length === 0 ? PARTS : known)) {
    if (names.length > 0 && !names.includes(name)) continue;
    signal.throwIfAborted();
    print(`\n${name}`);
    await using undo = new AsyncDisposableStack();
    const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-bench-'));
    undo.defer(() => rm(dataDir, { recursive: true, force: true }));
    figures.push(...(await measurePart({ dataDir, print, signal }, flags)));
  }
  return figures;
}

async function withDatabase<T>(
  { dataDir, signal }: Bench,
  work: (databaseUrl: string) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  await using undo = new AsyncDisposableStack();
  const log = await createLog({ level: 'warn' });
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'postgres'), log, signal, settings });
  undo.defer(() => postgres.stop());
  await executeSql(postgres.url, 'create database bench');
  return await work(urlOfDatabase(postgres.url, 'bench'));
}

/**
 * Runs a gateway with the tiny image in its catalog, then removes everything that it and the floor left on the engine.
 */
async function withGateway<T>(
  bench: Bench,
  work: (rig: {
    gateway: Awaited<ReturnType<typeof startGateway>>;
    databaseUrl: string;
    engine: ReturnType<typeof openEngineSocket>;
    rawInstallation: string;
  }) => Promise<T>,
  distributions: readonly object[] = [],
): Promise<T> {
  return withDatabase(bench, async (databaseUrl) => {
    await using undo = new AsyncDisposableStack();
    const engine = undo.use(openEngineSocket());
    const image = await testImage();
    const rawInstallation = `bench-${randomUUID()}`;
    undo.defer(() => removeInstallation(engine, rawInstallation));
    const catalogFile = path.join(bench.dataDir, 'catalog.json');
    const entry = { code: DISTRIBUTION, image, defaultPort: APP_PORT, stopGraceSeconds: 2, bootSeconds: 20 };
    await writeFile(catalogFile, JSON.stringify({ distributions: [entry, ...distributions] }));
    let installationId: string | undefined;
    undo.defer(async () => {
      if (installationId !== undefined) await removeInstallation(engine, installationId);
    });
    const env = {
      DATABASE_URL: databaseUrl,
      DATA_DIR: path.join(bench.dataDir, 'gateway'),
      CATALOG_FILE: catalogFile,
      JWT_SECRET,
    };
    const gateway = undo.use(await startGateway(env));
    const { rows } = await executeSql(databaseUrl, 'select id from installation');
    installationId = (rows[0] as { id: string }).id;
    return await work({ gateway, databaseUrl, engine, rawInstallation });
  });
}

/** Measures what a person waits for: a tiny app, whose boot is the engine's and ours alone, and a desktop's page. */
async function measureBoots(bench: Bench): Promise<Figure[]> {
  const hasDesktop = await hasImage(DESKTOP.image);
  if (!hasDesktop)
    bench.print(`Skipping the desktop: the engine does not have ${DESKTOP.image}; run "npm run images".`);
  return withGateway(bench, async ({ gateway, engine, rawInstallation }) => {
    const common = { gateway, engine, rawInstallation, port: APP_PORT, token: await tokenOf('boots'), ...bench };
    const tiny = { title: 'boot', distribution: DISTRIBUTION, isUp: accepts, pairs: 15, atMost: 1.3, tail: 100 };
    const desktop = { title: 'desktop', ...DESKTOP.vm, isUp: answersPage, pairs: 7, atMost: 1.05 };
    return [
      ...(await measureBoot({ ...common, ...tiny })),
      ...(hasDesktop ? await measureBoot({ ...common, ...desktop }) : []),
    ];
  });
}

async function hasImage(reference: string): Promise<boolean> {
  return (await docker.listImages()).some(({ RepoTags }) => RepoTags?.includes(reference));
}

/** Measures an app that closes each connection, as small ones do, one that costs almost nothing, and real ones. */
async function measureIngressOfApps(bench: Bench): Promise<Figure[]> {
  await using undo = new AsyncDisposableStack();
  const image = await importNginxImage({
    [SMALL.name]: Buffer.alloc(SMALL.bytes, 'x'),
    [LARGE.name]: Buffer.alloc(LARGE.bytes),
  });
  undo.defer(async () => void (await docker.getImage(image).remove({ force: true })));
  const common = { defaultPort: APP_PORT, stopGraceSeconds: 2, bootSeconds: 20 };
  const make = `head -c ${SMALL.bytes} /dev/zero > /www/${SMALL.name}; head -c ${LARGE.bytes} /dev/zero > /www/${LARGE.name}`;
  const small = {
    code: 'small',
    image: await testImage(),
    command: [
      '/bin/busybox',
      'sh',
      '-c',
      `${make.replaceAll('head', '/bin/busybox head')}; exec httpd -f -p ${APP_PORT} -h /www`,
    ],
  };
  const files = { port: APP_PORT, small: SMALL.name, large: LARGE.name };
  const apps: App[] = [
    { title: 'busybox httpd', distribution: small.code, ...files },
    { title: 'nginx', distribution: 'nginx', ...files },
  ];
  const real = [
    {
      image: DESKTOP.image,
      title: 'XFCE desktop',
      ...DESKTOP.vm,
      port: APP_PORT,
      small: 'login.css',
      large: 'novnc/core/rfb.js',
      signIn: 'login',
    },
    {
      image: 'local/code-server:latest',
      title: 'code-server',
      distribution: 'code-server',
      port: 8443,
      // Any page of who is signed in costs it a hash of the password for each request: 4 a second.
      small: 'healthz',
    },
  ];
  const tags = new Set((await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []));
  for (const app of real) {
    if (tags.has(app.image)) apps.push(app);
    else bench.print(`Skipping ${app.title}: the engine does not have ${app.image}; build it with "npm run images".`);
  }
  const work: Parameters<typeof withGateway<Figure[]>>[1] = async ({ gateway, engine }) =>
    measureIngress({
      gateway,
      engine,
      apps,
      token: await tokenOf('ingress'),
      print: bench.print,
      signal: bench.signal,
    });
  return await withGateway(bench, work, [
    { ...small, ...common },
    { code: 'nginx', image, ...common },
  ]);
}

function tokenOf(userId: string): Promise<string> {
  return signToken({ userId, plan: 'engineer', ttlSeconds: 3600 }, { secret: JWT_SECRET, audience: 'authenticated' });
}
