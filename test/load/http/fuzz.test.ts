import fc from 'fast-check';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { ROUTES } from '../../../src/rest/routes/routes.ts';
import { anything, MARK, PLACES, text, valueOf } from '../../support/fuzz/arbitraries.ts';
import { rawRequest } from '../../support/fuzz/raw-requests.ts';
import { startFuzzGateway, type Answer, type FuzzAccount, type FuzzGateway } from '../../support/fuzz/fuzz-gateway.ts';
import { TWINS, type Input } from '../../support/fuzz/twins.ts';
import { openKnownSocket, openRawSocket } from '../../support/ingress/raw-socket.ts';
import { selectAll } from '../../support/api/select-all.ts';

/**
 * Inputs that nobody would think of, at everything that takes one. Always the same ones: `npm run fuzz -- --seed N
 * --seconds N` takes others, for longer. A failure prints its seed, its path and the smallest input that does it.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
const IS_LONG = process.env['FUZZ_SECONDS'] !== undefined;
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 20);
const ROOTS = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(
  (type) => type != null,
);
const FIELDS = ROOTS.flatMap((root) => Object.values(root.getFields()).map((field) => ({ root, field })));

let gateway: FuzzGateway;
let alice: FuzzAccount;
let bob: FuzzAccount;
/** Of all tables, after the last input that was accepted. */
let known = '';
let accepted = 0;
beforeAll(async () => {
  gateway = await startFuzzGateway();
  await renew();
});
afterAll(async () => gateway?.[Symbol.asyncDispose]());

/**
 * New accounts with a VM each, so that what was accepted does not add up: a VM that is deleted for good, a plan that is
 * used up.
 */
async function renew(): Promise<void> {
  [alice, bob] = await Promise.all([gateway.account(), gateway.account()]);
  known = await gateway.digest();
}

/** Runs a property for its share of the time; each `it` takes about so much, whatever the machine. */
async function fuzz<T>(share: number, inputs: fc.Arbitrary<T>, check: (input: T) => Promise<void>): Promise<void> {
  await renew();
  accepted = 0;
  const name = expect.getState().currentTestName?.split(' > ').at(-1) ?? '';
  let count = 0;
  const say = (): void =>
    void (IS_LONG && process.stdout.write(`fuzz: ${name}: ${count} inputs, ${accepted} accepted\n`));
  const progress = setInterval(say, 10_000);
  const property = fc.asyncProperty(inputs, async (input) => {
    count += 1;
    await check(input);
  });
  const options = {
    seed: SEED,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * 1_000 * share,
    markInterruptAsFailure: false,
  };
  const result = await fc.check(property, options).finally(() => clearInterval(progress));
  if (result.failed) {
    const input = JSON.stringify(result.counterexample)?.slice(0, 3_000);
    throw new Error(`With seed ${SEED}, after ${result.numRuns} inputs, this one: ${input}`, {
      cause: result.errorInstance,
    });
  }
  say();
  expect(result.numRuns).toBeGreaterThan(5);
}
const timeout = SECONDS * 1_000 + 120_000;

/** What must never be in an answer: stacks, statements, files, hosts. */
const INSIDE = /\n\s+at |node_modules|\bselect \w+ from\b|ECONN|\/src\/|pg_|"code":"INTERNAL_SERVER_ERROR/;

/** The codes of an answer's errors; none where it was accepted. */
function codesOf({ text: body }: Answer): string[] {
  return [...new Set([...body.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code ?? ''))];
}

/** The answer is one that a client can act on, and a refusal has changed nothing. */
async function judge(answer: Answer, endsVm = false): Promise<void> {
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toMatch(INSIDE);
  const refused = answer.status >= 400 || answer.text.includes('"errors":');
  const digest = await gateway.digest();
  if (refused) {
    expect(answer.text === '' ? ['NONE'] : codesOf(answer)).not.toEqual([]);
    expect(digest, 'a refused input has changed a row').toBe(known);
  }
  known = digest;
  if (!refused) await accept(endsVm);
}

async function accept(endsVm = false): Promise<void> {
  accepted += 1;
  if (endsVm || accepted % 25 === 0) await renew();
}

const postGraphql = (account: FuzzAccount, body: unknown) =>
  gateway.ask(account.token, 'POST', '/graphql', account.fill(JSON.stringify(body)));

/** Operations that ask for all of these fields, with any arguments. */
function operationsOf(fits: (each: (typeof FIELDS)[number]) => boolean) {
  return FIELDS.filter(fits).map(({ root, field }) => {
    const { query } = selectAll(
      root,
      field,
      field.args.map(({ name }) => name),
    );
    const args = fc.record(Object.fromEntries(field.args.map(({ name, type }) => [name, valueOf(name, type)])));
    return args.map((variables) => ({ query, variables }));
  });
}

describe('whatever is sent', { timeout }, () => {
  it('as the arguments of any field of the schema', async () => {
    const operations = operationsOf(({ root }) => root !== schema.getSubscriptionType());
    await fuzz(0.25, fc.oneof(...operations), async (operation) => {
      await judge(await postGraphql(alice, operation), operation.query.includes('deleteVm'));
    });
    // Not everything is nonsense: what is taken is looked at too.
    expect(accepted).toBeGreaterThan(0);
  });

  it('as the arguments of any subscription, over a WebSocket', async () => {
    const subscriptions = operationsOf(({ root }) => root === schema.getSubscriptionType());
    await fuzz(0.1, fc.tuple(fc.oneof(...subscriptions), text), async ([payload, id]) => {
      const { socket, send, next } = await openKnownSocket(gateway.port, alice.token);
      try {
        send(alice.fill(JSON.stringify({ id: `x${id}`, type: 'subscribe', payload })));
        send({ id: `x${id}`, type: 'complete' });
        send({ id: 'after', type: 'subscribe', payload: { query: '{ me { userId } }' } });
        // What it said until then; that it still answers shows that nothing has ended.
        expect(JSON.stringify(await next((message) => message.id === 'after'))).toContain('userId');
      } finally {
        socket.terminate();
      }
    });
  });

  it('to any route of the REST API', async () => {
    const part = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(PLACES.own, PLACES.foreign, PLACES.unknown) },
      { weight: 1, arbitrary: fc.constantFrom('%', '%00', '%ff', '%c0%af', '.', '..', '%2e%2e', '%2f', '*', 'a b') },
      { weight: 2, arbitrary: text.map((value) => encodeURIComponent(value.toWellFormed().slice(0, 3_000))) },
    );
    const requests = ROUTES.map((route) => {
      const parts = fc.array(part, { minLength: 3, maxLength: 3 });
      const method = fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...route.methods) },
        { weight: 1, arbitrary: fc.constantFrom('PUT', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'POST') },
      );
      const twin = TWINS.find((each) => each.route === `POST ${route.path}`);
      const body = fc.oneof(
        {
          weight: 6,
          arbitrary: (twin?.input ?? anything).map((input) => JSON.stringify(twin?.body?.(input as Input) ?? input)),
        },
        { weight: 2, arbitrary: anything.map((value) => JSON.stringify(value)) },
        { weight: 1, arbitrary: text },
      );
      return fc.record({
        path: fc.constant(route.path),
        parts,
        method,
        body,
        type: fc.oneof(
          { weight: 9, arbitrary: fc.constant('application/json') },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              'text/plain',
              'application/json;charset=utf-16',
              'application/x-www-form-urlencoded',
              '',
            ),
          },
        ),
      });
    });
    await fuzz(0.2, fc.oneof(...requests), async ({ path: pattern, parts, method, body, type }) => {
      let index = 0;
      const target = pattern.replaceAll(/:\w+/g, () => parts[index++] ?? '');
      const sendsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
      const path = alice
        .fill(target)
        .replaceAll(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character.toWellFormed()));
      await judge(
        await gateway.ask(
          alice.token,
          method,
          path,
          sendsBody ? alice.fill(body) : undefined,
          type === '' ? {} : { 'content-type': type },
        ),
        pattern.includes('delete'),
      );
    });
    expect(accepted).toBeGreaterThan(0);
  });

  it('is judged alike by GraphQL and by REST', async () => {
    await fuzz(
      0.2,
      fc.oneof(...TWINS.map(({ route, input }) => input.map((each) => ({ route, input: each })))),
      async ({ route, input }) => {
        const twin = TWINS.find((each) => each.route === route);
        const request = twin?.request(input);
        fc.pre(request !== undefined);
        if (twin === undefined || request === undefined) return;
        const graphql = await postGraphql(alice, { query: twin.query, variables: input });
        const rest = await gateway.ask(
          bob.token,
          request.method,
          bob.fill(request.path),
          request.body === undefined ? undefined : bob.fill(JSON.stringify(request.body)),
        );
        const verdict =
          twin.isNothing !== undefined && graphql.text.includes(twin.isNothing) ? ['NOT_FOUND'] : codesOf(graphql);
        expect(codesOf(rest), `GraphQL said ${graphql.text}, REST ${rest.text}`).toEqual(verdict);
        if (verdict.length === 0) await accept();
      },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it('as a GraphQL request', async () => {
    const word = fc.oneof(
      fc.constantFrom('{', '}', '(', ')', '[', ']', ':', '!', '$', '@', '...', '=', '|', '"', '"""', '#', '&'),
      fc.constantFrom(
        'query',
        'mutation',
        'subscription',
        'fragment',
        'on',
        'me',
        'vms',
        'vm',
        'userId',
        'id',
        '__schema',
        '__type',
        '__typename',
        'true',
        'null',
        '-0',
        '1e999',
        'Vm',
        'Query',
      ),
      text,
    );
    const document = fc.oneof(
      fc.array(word, { maxLength: 30 }).map((words) => words.join(' ')),
      fc.constantFrom('{ me { userId } }', 'mutation { createVm }', '{ vms { nodes { id } } }'),
    );
    const body = fc.oneof(
      fc.record(
        { query: document, variables: anything, operationName: fc.oneof(text, anything), extensions: anything },
        { requiredKeys: [] },
      ),
      anything,
      fc.array(fc.record({ query: document }), { maxLength: 3 }),
    );
    await fuzz(
      0.1,
      fc.tuple(
        body,
        fc.constantFrom('application/json', 'application/graphql-response+json', 'text/event-stream', '*/*', 'x'),
      ),
      async ([value, accept]) =>
        judge(await gateway.ask(alice.token, 'POST', '/graphql', alice.fill(JSON.stringify(value)), { accept })),
    );
  });

  it('as a message on a WebSocket', async () => {
    const type = fc.constantFrom('connection_init', 'subscribe', 'complete', 'ping', 'pong', 'next', '__proto__', '');
    const message = fc.oneof(
      fc.record({ type, id: fc.oneof(text, anything), payload: anything }, { requiredKeys: [] }),
      anything,
    );
    await fuzz(0.05, fc.tuple(fc.array(message, { maxLength: 4 }), fc.boolean()), async ([messages, isKnown]) => {
      const { socket, closed } = await (isKnown
        ? openKnownSocket(gateway.port, alice.token)
        : openRawSocket(gateway.port));
      for (const each of messages) if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(each));
      socket.close();
      expect((await closed).code).not.toBe(4500);
    });
  });

  it('as raw bytes on the socket', async () => {
    await fuzz(0.1, fc.array(rawRequest, { minLength: 1, maxLength: 3 }), async (requests) => {
      const socket = connect({ port: gateway.port, host: '127.0.0.1' });
      let said = '';
      socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      for (const bytes of requests) socket.write(Buffer.from(bytes.replaceAll('$TOKEN', alice.token), 'latin1'));
      // What is whole is answered; what is not is cut by us.
      socket.end();
      const { promise, resolve } = Promise.withResolvers<void>();
      const cut = setTimeout(() => socket.destroy(), 1_000);
      socket.on('close', () => (clearTimeout(cut), resolve()));
      await promise;
      expect(said).not.toMatch(/^HTTP\/1\.1 5\d\d/m);
      expect(said).not.toMatch(INSIDE);
    });
    expect((await gateway.ask(alice.token, 'GET', '/health/live')).status).toBe(200);
  });
});

it('afterwards the gateway still runs, has logged little, and nothing of what was sent', async () => {
  expect(gateway.process.child.exitCode).toBeNull();
  const { lines } = gateway.process;
  expect(lines.filter((line) => line.includes(MARK) || /eyJ[\w-]{10,}\./.test(line))).toEqual([]);
  expect(lines.filter((line) => !line.startsWith('{') || /"level":[56]0/.test(line))).toEqual([]);
  expect(lines.length).toBeLessThan(60);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});
