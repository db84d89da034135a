import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../../src/commands/run-command-line.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');
const dataDir = mkdtempSync(path.join(tmpdir(), 'swiftor-cli-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Here, because a process for each would take most of the time; test/load/package.test.ts starts real ones. */
async function swiftor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  for (const [name, value] of Object.entries({ DATA_DIR: dataDir, JWT_SECRET, ...env })) vi.stubEnv(name, value);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    });
  await runCommandLine(args);
  const status = process.exitCode ?? 0;
  process.exitCode = undefined;
  return { status, ...said };
}

describe('swiftor prints what it is asked for, and nothing else:', () => {
  const { version } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  it.each([
    ['--version', `${version}\n`],
    ['schema', readFileSync(path.join(PROJECT, 'schema.graphql'), 'utf8')],
    ['--help', /^swiftor serve\n[^]*--version\n$/],
    ['token --help', /^swiftor serve\n/],
    ['token --user alice', /^[\w-]+\.[\w-]+\.[\w-]+\n$/],
    ['token --user alice --plan hacker --ttl 1h', /^[\w-]+\.[\w-]+\.[\w-]+\n$/],
  ])('%s', async (line, printed) => {
    expect(await swiftor(line.split(' '))).toEqual({
      status: 0,
      stdout: typeof printed === 'string' ? printed : expect.stringMatching(printed),
      stderr: '',
    });
  });
});

describe('swiftor refuses, in a sentence,', () => {
  it.each([
    [[], /^Name a command\.\nswiftor serve\n/],
    [['nope'], /^"nope" is not a command; swiftor --help lists them\.\n$/],
    [['serve', 'now'], /^Unexpected argument 'now'; swiftor --help lists the options\.\n$/],
    [['token'], /^The option --user is missing/],
    [['token', '--usr', 'alice'], /^Unknown option '--usr'; swiftor --help/],
    [['token', '--user', 'al ice'], /^--user must have 1 to 255 printable ASCII characters/],
    [['token', '--user', ''], /^--user must have/],
    [
      ['token', '--user', 'alice', '--plan', 'nope'],
      /^--plan must be a plan; the plans are core, hacker, engineer\.\n$/,
    ],
    [['token', '--user', 'alice', '--ttl', '5'], /^--ttl must be a duration: 90s, 15m, 1h or 30d\.\n$/],
    [['migrate'], /^Set DATABASE_URL/],
    [['orphans', 'adopt'], /^Write swiftor orphans list, adopt VM_ID or remove VM_ID/],
  ])('%j', async (args, said) => {
    expect(await swiftor(args)).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(said) });
  });

  it.each([
    ['CATALOG_FILE', /^CATALOG_FILE "\/nowhere\.json" cannot be read: ENOENT\.\n/],
    ['PLANS_FILE', /^PLANS_FILE "\/nowhere\.json" cannot be read: ENOENT\.\n/],
  ])('a %s that is not there', async (name, said) => {
    const args = ['token', '--user', 'alice', '--plan', 'core'];
    expect(await swiftor(args, { [name]: '/nowhere.json' })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(said),
    });
  });
});
