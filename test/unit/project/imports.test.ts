import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = path.join(import.meta.dirname, '../../../src');

/** One import line: who, and whom; a package by its name, a file by its path below src. */
interface Import {
  readonly from: string;
  readonly to: string;
}

/** The rooms in the order of the arrows. */
const ORDER: readonly (readonly string[])[] = [
  ['lib', 'errors.ts', 'log.ts', 'measures.ts', 'tracing.ts'],
  ['config'],
  ['http', 'db', 'certificates'],
  ['audit'],
  ['secrets', 'events'],
  ['catalog', 'auth', 'engine'],
  ['vm'],
  ['operator'],
  ['reconciler', 'graphql', 'ingress', 'dashboard'],
  ['rest'],
  ['metrics.ts', 'state-metrics.ts'],
  ['composition'],
  ['server.ts', 'router.ts'],
  ['commands'],
  ['cli.ts'],
];
/**
 * The folders inside a folder in the order of their arrows; '.' is its own files, except those with a place of their
 * own.
 */
const INNER: Readonly<Record<string, readonly string[]>> = {
  lib: ['concurrency', 'process', '.', 'files'],
  http: ['request', 'response', 'server'],
  db: ['pool', 'embedded', '.', 'startup'],
  engine: ['.', 'docker', 'cluster', 'swarm', 'open-swarm.ts', 'open-engines.ts'],
  'engine/docker': [
    'shell',
    'streams',
    'connection',
    'containers',
    'observe',
    'images',
    'host',
    'isolation',
    'storage',
    'machines',
    'programs',
    'files',
    '.',
  ],
  'engine/cluster': ['nodes', 'places', 'observe', '.'],
  'engine/swarm': ['line', 'agent', '.'],
  vm: ['networking', 'access', 'restrictions', '.', 'store', 'telemetry', 'problems', 'commands', 'inside'],
  auth: ['api-tokens', '.'],
  reconciler: ['plan', 'iteration', 'answer', 'failure', 'steps', '.', 'orphans', 'watch'],
  'reconciler/watch': ['engine', '.'],
  graphql: ['schema', 'pipeline', 'transports'],
  'graphql/schema': [
    'context.ts',
    'builder.ts',
    'selected-fields.ts',
    'page.ts',
    'port-protocol.ts',
    'global-id.ts',
    'node.ts',
    'catalog',
    'account',
    'vm',
    'networking',
    'node',
    'operator',
    '.',
  ],
  rest: ['schemas', 'routes', 'openapi', '.'],
  ingress: ['pages', 'access', 'headers', 'routing', 'waiting', 'sign-in', 'proxy', 'inside', '.'],
};
/** The rooms of the dashboard in the order of the arrows. */
const DASHBOARD_ORDER: readonly (readonly string[])[] = [
  ['api'],
  ['words'],
  ['session'],
  ['connection'],
  ['vms'],
  ['account', 'telemetry'],
  ['loading', 'parts'],
  ['frame'],
  ['screens'],
  ['app.tsx'],
  ['main.tsx'],
];
/** Side by side in the arrows, and never importing each other. */
const SIBLINGS = ['reconciler', 'graphql', 'ingress', 'dashboard'];
const PLACES = new Map(ORDER.flatMap((rooms, place) => rooms.map((room) => [room, place] as const)));

const roomOf = (file: string): string => file.split('/')[0] ?? file;
/** The place inside `room`: `schema` of `graphql/schema/vm.ts` in `graphql`, '.' of `db/listen.ts` in `db`. */
const folderOf = (file: string, room: string): string => {
  const [folder = '.', ...rest] = file.slice(room.length + 1).split('/');
  return rest.length === 0 && INNER[room]?.includes(folder) !== true ? '.' : folder;
};
/** `docker` of `engine/docker/volumes.ts`; a file of engine/ itself is of no driver. */
const driverOf = (file: string): string | undefined => /^engine\/([^/]+)\//.exec(file)?.[1];
const isFile = ({ to }: Import): boolean => /\.(ts|tsx|js)$/.test(to);
const say = ({ from, to }: Import, rule: string): string => `${from} imports ${to}: ${rule}`;

type Rule = (each: Import) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  arrows({ from, to }) {
    const [own, other] = [PLACES.get(roomOf(from)), PLACES.get(roomOf(to))];
    if (own === undefined) return `${roomOf(from)} has no place in the arrows`;
    if (other === undefined) return `${roomOf(to)} has no place in the arrows`;
    return other > own ? `${roomOf(to)} comes after ${roomOf(from)}` : undefined;
  },
  inner({ from, to }) {
    for (const [room, order] of Object.entries(INNER)) {
      if (![from, to].every((file) => file.startsWith(`${room}/`))) continue;
      const [before, after] = [folderOf(to, room), folderOf(from, room)];
      const [own, other] = [order.indexOf(after), order.indexOf(before)];
      if (own < 0 || other < 0) return `${own < 0 ? from : to} has no place in ${room}`;
      if (other > own) return `${before} comes after ${after}`;
    }
    return undefined;
  },
  siblings({ from, to }) {
    const both = SIBLINGS.includes(roomOf(from)) && SIBLINGS.includes(roomOf(to));
    return both && roomOf(from) !== roomOf(to)
      ? `${roomOf(from)} and ${roomOf(to)} never import each other`
      : undefined;
  },
  graphql({ from, to }) {
    const forbidden = ['engine', 'reconciler', 'kysely'].includes(roomOf(to));
    return roomOf(from) === 'graphql' && forbidden ? 'graphql/ never imports engine, reconciler or kysely' : undefined;
  },
  drivers({ from, to }) {
    const [own, other] = [driverOf(from), driverOf(to)];
    return own !== undefined && other !== undefined && own !== other ? 'drivers never import each other' : undefined;
  },
  dockerode({ from, to }) {
    return roomOf(to) === 'dockerode' && driverOf(from) !== 'docker'
      ? 'dockerode stays inside engine/docker'
      : undefined;
  },
};
const FILE_RULES: readonly string[] = ['arrows', 'inner', 'siblings', 'drivers'];

function broken(imports: readonly Import[], name: string): string[] {
  const rule = RULES[name];
  if (rule === undefined) throw new Error(`There is no rule "${name}".`);
  return imports
    .filter((each) => isFile(each) || !FILE_RULES.includes(name))
    .flatMap((each) => {
      const why = rule(each);
      return why === undefined ? [] : [say(each, why)];
    });
}

/** Every cycle, as the files on it; each once, from its first file in the alphabet. */
function cyclesOf(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports.filter(isFile), ({ from }) => from);
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const begun = trail.indexOf(file);
    if (begun >= 0) {
      const cycle = trail.slice(begun);
      const first = cycle.indexOf(cycle.toSorted()[0] ?? file);
      found.add([...cycle.slice(first), ...cycle.slice(0, first + 1)].join(' → '));
    }
    if (begun >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return [...found];
}

/** The imports of one file's text: `import … from`, `export … from`, `import '…'`, `import('…')`, types included. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g)].map(([, , specifier = '']) => {
    const to = specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : specifier;
    return { from, to };
  });
}

const FILES = globSync('**/*.{ts,tsx,js}', { cwd: SRC }).toSorted();
const IMPORTS = FILES.flatMap((file) => importsOf(file, readFileSync(path.join(SRC, file), 'utf8')));

describe('in src', () => {
  it('every import is seen: each file but the most basic imports something, and what it imports is there', () => {
    expect(IMPORTS.length).toBeGreaterThan(FILES.length * 2);
    const missing = IMPORTS.filter(isFile).filter(({ to }) => !FILES.includes(to));
    expect(missing).toEqual([]);
    expect(IMPORTS.filter(({ to }) => to.startsWith('.'))).toEqual([]);
  });

  it.each([
    ['arrows', 'a file imports only from rooms at or before its own'],
    ['inner', 'a file imports only from folders of its room at or before its own'],
    ['siblings', 'reconciler, graphql and ingress never import each other'],
    ['graphql', 'graphql/ never imports engine, reconciler or kysely'],
    ['drivers', 'drivers never import each other'],
    ['dockerode', 'dockerode stays inside engine/docker'],
  ])('%s: %s', (name) => {
    expect(broken(IMPORTS, name)).toEqual([]);
  });

  it('no files import each other in a cycle, types included', () => {
    expect(cyclesOf(IMPORTS)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  it.each([
    ['arrows', 'db/database.ts', 'vm/vm.ts'],
    ['arrows', 'lib/concurrency/semaphore.ts', 'config/config.ts'],
    ['arrows', 'rest/routes.ts', 'server.ts'],
    ['arrows', 'graphql/pipeline/gateway.ts', 'rest/routes.ts'],
    ['arrows', 'vm/vm.ts', 'cli.ts'],
    ['arrows', 'billing/plan.ts', 'lib/is-uuid.ts'],
    ['arrows', 'rest/routes.ts', 'billing/plan.ts'],
    ['inner', 'graphql/schema/vm.ts', 'graphql/pipeline/gateway.ts'],
    ['inner', 'graphql/pipeline/gateway.ts', 'graphql/transports/graphql-http.ts'],
    ['inner', 'ingress/routing/resolution.ts', 'ingress/proxy/ingress-proxy.ts'],
    ['inner', 'vm/vm.ts', 'vm/commands/vm-commands.ts'],
    ['inner', 'graphql/billing/plan.ts', 'graphql/schema/vm.ts'],
    ['inner', 'engine/driver.ts', 'engine/docker/docker-driver.ts'],
    ['inner', 'engine/open-swarm.ts', 'engine/open-engines.ts'],
    ['inner', 'engine/docker/containers/containers.ts', 'engine/docker/machines/ensure-machine.ts'],
    ['siblings', 'ingress/proxy/ingress-proxy.ts', 'graphql/schema/schema.ts'],
    ['siblings', 'reconciler/steps/perform-step.ts', 'ingress/proxy/ingress-proxy.ts'],
    ['graphql', 'graphql/schema/vm.ts', 'engine/driver.ts'],
    ['graphql', 'graphql/schema/vm.ts', 'reconciler/steps/perform-step.ts'],
    ['graphql', 'graphql/schema/vm.ts', 'kysely'],
    ['drivers', 'engine/swarm/service.ts', 'engine/docker/volumes.ts'],
    ['dockerode', 'engine/driver.ts', 'dockerode'],
    ['dockerode', 'vm/vm.ts', 'dockerode'],
  ])('%s: %s may not import %s, and both are named', (name, from, to) => {
    expect(broken([{ from, to }], name)).toEqual([expect.stringContaining(`${from} imports ${to}: `)]);
  });

  it.each([
    ['http/request/read-body.ts', 'errors.ts'],
    ['vm/vm.ts', 'engine/driver.ts'],
    ['rest/rest-handler.ts', 'graphql/pipeline/gateway.ts'],
    ['rest/rest-handler.ts', 'ingress/proxy/ingress-proxy.ts'],
    ['engine/open-engines.ts', 'engine/docker/docker-driver.ts'],
    ['engine/docker/volumes.ts', 'engine/labels.ts'],
    ['engine/docker/volumes.ts', 'dockerode'],
    ['graphql/schema/vm.ts', 'graphql'],
    ['reconciler/steps/perform-step.ts', 'kysely'],
    ['server.ts', 'router.ts'],
  ])('%s may import %s', (from, to) => {
    for (const name of Object.keys(RULES)) expect(broken([{ from, to }], name)).toEqual([]);
  });

  it('a cycle is named by its files, once', () => {
    const imports = [
      { from: 'c.ts', to: 'b.ts' },
      { from: 'b.ts', to: 'a.ts' },
      { from: 'a.ts', to: 'c.ts' },
      { from: 'a.ts', to: 'd.ts' },
      { from: 'self.ts', to: 'self.ts' },
    ];
    expect(cyclesOf(imports).toSorted()).toEqual(['a.ts → c.ts → b.ts → a.ts', 'self.ts → self.ts']);
  });

  it('an import is found however it is written, and not in a comment', () => {
    const text = `
      import type { Vm } from '../vm/vm.ts';
      import {
        a,
        b,
      } from "./near.ts";
      import './side-effect.ts';
      export * from 'pkg';
      const later = await import('../later.ts');
      type T = import('../typed.ts').T;
      // import x from 'commented-out';
      /** from 'documentation' */
    `;
    expect(importsOf('graphql/x.ts', text).map(({ to }) => to)).toEqual([
      'vm/vm.ts',
      'graphql/near.ts',
      'graphql/side-effect.ts',
      'pkg',
      'later.ts',
      'typed.ts',
    ]);
  });
});

describe.each(['dashboard', 'client/src'])('in %s', (name) => {
  const folder = path.join(import.meta.dirname, '../../..', name);
  const files = globSync('**/*.{ts,tsx}', { cwd: folder, exclude: ['vite.config.ts'] });
  const imports = files.flatMap((file) => importsOf(file, readFileSync(path.join(folder, file), 'utf8')));

  it('every file is imported from there, or from a package', () => {
    const own = imports.filter(({ to }) => /\.(ts|tsx|js)$/.test(to));
    expect(own.length).toBeGreaterThan(files.length);
    expect(own.filter(({ to }) => !files.includes(to))).toEqual([]);
    expect(imports.filter(({ to }) => to.startsWith('.') || to.startsWith('node:'))).toEqual([]);
  });

  it('no files import each other in a cycle, but for types', () => {
    const atRunTime = files.flatMap((file) => {
      const text = readFileSync(path.join(folder, file), 'utf8').replaceAll(/import type [^;]*;/g, '');
      return importsOf(file, text);
    });
    expect(cyclesOf(atRunTime.filter((each) => !each.to.includes('import(')))).toEqual([]);
  });
});

it('in dashboard, a file imports only from rooms at or before its own', () => {
  const folder = path.join(SRC, '../dashboard');
  const placeOf = (file: string): number => DASHBOARD_ORDER.findIndex((rooms) => rooms.includes(roomOf(file)));
  const files = globSync('**/*.{ts,tsx}', { cwd: folder, exclude: ['vite.config.ts'] });
  const imports = files.flatMap((file) => importsOf(file, readFileSync(path.join(folder, file), 'utf8')));
  expect(files.filter((file) => placeOf(file) < 0)).toEqual([]);
  const back = imports.filter(isFile).filter(({ from, to }) => placeOf(to) > placeOf(from));
  expect(back.map((each) => say(each, 'it comes later'))).toEqual([]);
});

it.each(['src', 'dashboard'])('the map lists each room of %s, and no other', (name) => {
  const folder = path.join(SRC, '..', name);
  const table = readFileSync(path.join(folder, 'README.md'), 'utf8').split(/^\| room .*$/m)[1] ?? '';
  const [rows = ''] = table.trimStart().split('\n\n');
  const listed = [...rows.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, rooms = '']) =>
    [...rooms.matchAll(/`([^`]+)`/g)].map(([, room = '']) => room.replace(/\/$/, '')),
  );
  const there = readdirSync(folder).filter((each) => each !== 'README.md');
  expect(listed.toSorted()).toEqual(there.toSorted());
});
