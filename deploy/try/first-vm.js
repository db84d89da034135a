// Creates a VM, starts it and waits until its app answers: node first-vm.js ORIGIN DISTRIBUTION [DESKTOP] < TOKEN
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [origin = 'http://localhost:4000', distribution = 'debian', desktop] = process.argv.slice(2);
const token = readFileSync(0, 'utf8').trim();
const DEADLINE_MS = 10 * 60_000;

/** @param {string} query @param {object} variables */
async function ask(query, variables = {}) {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const { data, errors } = await response.json();
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join(' '));
  return data;
}

/** Waits until the gateway answers: it may just have been started. */
async function untilReady() {
  for (const until = Date.now() + DEADLINE_MS; ; await delay(500)) {
    const answer = await fetch(`${origin}/health/ready`, { signal: AbortSignal.timeout(10_000) }).catch(
      () => undefined,
    );
    if (answer?.ok === true) return;
    if (Date.now() > until) throw new Error(`${origin} is not ready: ${(await answer?.text()) ?? 'no answer'}`);
  }
}

await untilReady();
const input = { vmlabel: 'The first one', region: 'AU', password: 'change me', distribution, desktop, cpu: 1, ram: 1 };
const { createVm } = await ask('mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }', { input });
const { id } = createVm;
await ask('mutation ($id: ID!) { startVm(id: $id) { id } }', { id });
let shown = '';
for (const until = Date.now() + DEADLINE_MS; shown !== 'RUNNING'; await delay(500)) {
  const { vm } = await ask('query ($id: ID!) { vm(id: $id) { status lastFailure { message } } }', { id });
  if (vm.status !== shown) process.stderr.write(`${vm.status}\n`);
  shown = vm.status;
  if (shown === 'FAILED') throw new Error(vm.lastFailure?.message);
  if (Date.now() > until) throw new Error(`The VM ${id} is still ${shown}.`);
}
const { createOpenLink } = await ask('mutation ($id: ID!) { createOpenLink(vmId: $id) }', { id });
process.stdout.write(`${createOpenLink}\n`);
