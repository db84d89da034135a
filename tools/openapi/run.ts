import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signToken } from '../../src/auth/jwt.ts';
import { startGatewayProcess } from '../../test/support/gateway/gateway-process.ts';
import { ROOMY_LIMITS } from '../../test/support/gateway/roomy-limits.ts';
import { sayToolFailure } from '../say-failure.ts';
import { askThroughPrism } from './ask-through-prism.ts';
import { startPrism } from './prism.ts';
import { runTool } from './run-tool.ts';

/**
 * `npm run openapi` holds the OpenAPI document of a gateway against tools as they come: two linters at their strictest,
 * three generators of clients whose results must compile, and a proxy that compares each request and answer with it.
 */
const SECRET = 'the secret of the gateway of npm run openapi';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-openapi-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const gateway = undo.use(
    await startGatewayProcess({
      ...ROOMY_LIMITS,
      ROLES: 'api',
      DATA_DIR: path.join(folder, 'data'),
      JWT_SECRET: SECRET,
      // Linters refuse localhost.
      BASE_DOMAIN: 'swiftor.test',
    }),
  );
  undo.defer(async () => {
    gateway.child.kill('SIGTERM');
    await gateway.exited;
  });
  const document = path.join(folder, 'openapi.json');
  await writeFile(document, await (await fetch(`${gateway.url}/openapi.json`)).text());

  await runTool('redocly', ['lint', document, '--extends', 'recommended-strict']);
  await runTool('spectral', ['lint', document, '--ruleset', 'spectral.yaml', '--fail-severity', 'hint']);
  say('Redocly and Spectral: no error and no warning');

  const types = path.join(folder, 'types.ts');
  const client = path.join(folder, 'client');
  const functions = path.join(folder, 'functions.ts');
  await runTool('openapi-typescript', [document, '--output', types]);
  await runTool('openapi-ts', ['--input', document, '--output', client]);
  await runTool('orval', ['--input', document, '--output', functions, '--client', 'fetch']);
  const strict = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom,dom.iterable'];
  const bundled = ['--module', 'esnext', '--moduleResolution', 'bundler'];
  await runTool('tsc', [...strict, ...bundled, types, path.join(client, 'index.ts'), functions]);
  say('openapi-typescript, hey-api and orval: what they generate compiles');

  const prism = undo.use(await startPrism(document, gateway.url));
  const tokenOf = (plan: string): Promise<string> =>
    signToken({ userId: plan, plan, ttlSeconds: 600 }, { secret: SECRET, audience: 'authenticated' });
  const tokens = { engineer: await tokenOf('engineer'), core: await tokenOf('core') };
  const asked = await askThroughPrism(prism.url, tokens);
  say(`Prism: ${asked} requests and answers, 0 violations`);
}

try {
  await main();
} catch (error) {
  sayToolFailure(error);
  process.exitCode = 1;
}
