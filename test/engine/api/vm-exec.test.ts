import { beforeAll, expect, it } from 'vitest';
import { containerOf } from '../../support/engine/containers.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { newAccount } from '../../support/gateway/tokens.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { awaitRunning } from '../../support/vm/real-vm.ts';
import { createVm } from '../../support/vm/vms.ts';

const gateway = useGateway();
const token = await testToken(newAccount('exec'));
let vmId: string;

beforeAll(async () => {
  vmId = await createVm(gateway, token);
  await gateway.rest(token, 'POST', `/vms/start/${vmId}`);
  await awaitRunning(gateway, token, vmId);
}, 120_000);

async function exec(command: readonly string[], timeoutSeconds?: number) {
  const { data, errors } = await gateway.graphql<{ vmExec: Record<string, unknown> }>(
    token,
    `mutation ($vmId: ID!, $command: [String!]!, $timeoutSeconds: Int) {
      vmExec(vmId: $vmId, command: $command, timeoutSeconds: $timeoutSeconds) {
        exitCode stdout stderr stdoutTruncated stderrTruncated
      }
    }`,
    { vmId, command, timeoutSeconds },
  );
  return data?.vmExec ?? errors?.[0]?.extensions;
}

it('answers how the program has ended and what it wrote, over both APIs', async () => {
  const script = 'echo "$VM_PASSWORD"; echo bad >&2; exit 3';
  expect(await exec(['sh', '-c', script])).toEqual({
    exitCode: 3,
    stdout: 'your-secure-password\n',
    stderr: 'bad\n',
    stdoutTruncated: false,
    stderrTruncated: false,
  });
  const reply = await gateway.rest(token, 'POST', `/vms/exec/${vmId}`, { body: { command: ['sh', '-c', script] } });
  expect([reply.status, await reply.json()]).toEqual([
    200,
    {
      exit_code: 3,
      stdout: 'your-secure-password\n',
      stderr: 'bad\n',
      stdout_truncated: false,
      stderr_truncated: false,
    },
  ]);
});

it('cuts what a program writes without end, and still says how it ended', async () => {
  const answer = await exec(['sh', '-c', 'dd if=/dev/zero bs=1000 count=600 2>/dev/null; exit 4']);
  expect(answer).toMatchObject({ exitCode: 4, stdoutTruncated: true, stderrTruncated: false });
  expect((answer as { stdout: string }).stdout).toHaveLength(256 * 1024);
});

it('kills a program that takes too long, with what it started', async () => {
  expect(await exec(['sh', '-c', 'sleep 7001 & sleep 7002'], 1)).toMatchObject({ code: 'TIMED_OUT' });
  const container = docker.getContainer(await containerOf(vmId));
  await eventually(async () => !JSON.stringify(await container.top()).includes('sleep 700'));
});

it('names what is wrong with a command', async () => {
  const bad = (path: string) => ({ code: 'BAD_USER_INPUT', fields: [{ path }] });
  expect(await exec([])).toMatchObject(bad('command'));
  expect(await exec(['a\0b'])).toMatchObject(bad('command'));
  expect(await exec(['no-such-program'])).toMatchObject(bad('command'));
  expect(await exec(['true'], 51)).toMatchObject(bad('timeoutSeconds'));
  const reply = await gateway.rest(token, 'POST', `/vms/exec/${vmId}`, {
    body: { command: ['true'], timeout_seconds: 0 },
  });
  expect([reply.status, await reply.json()]).toMatchObject([400, { fields: [{ path: 'timeout_seconds' }] }]);
});

it('is in the audit without its arguments, and runs nothing while the VM is off', async () => {
  expect(await exec(['sh', '-c', 'echo canary-77', 'canary'])).toMatchObject({ stdout: 'canary-77\n' });
  const { data } = await gateway.graphql<{ me: { audit: { nodes: object[] } } }>(
    token,
    '{ me { audit(first: 1, actions: [COMMAND_RUN]) { nodes { actor vmId details { name value } } } } }',
  );
  expect(data?.me.audit.nodes).toMatchObject([{ vmId, details: [{ name: 'program', value: 'sh' }, { value: '3' }] }]);
  expect(JSON.stringify(data)).not.toContain('canary');
  await gateway.rest(token, 'POST', `/vms/stop/${vmId}`);
  expect(await exec(['true'])).toMatchObject({ code: 'CONFLICT' });
});
