import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { docker } from '../../support/engine/engines.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { openTerminal } from '../../support/ingress/open-terminal.ts';
import { createOpenLink, openVm, type OpenAddress } from '../../support/ingress/open-vm.ts';
import { visit } from '../../support/ingress/visit.ts';
import { awaitRunning } from '../../support/vm/real-vm.ts';
import { createVm } from '../../support/vm/vms.ts';

const PAGE = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
const env = { FORWARD_PORTS: '31900-31999' };
const gateway = useGateway({ env });
const token = await testToken('terminal');
let vmId: string;
let owner: OpenAddress;

const run = async <T>(mutation: string): Promise<T> => {
  const { data, errors } = await gateway.graphql<T>(token, `mutation { ${mutation} }`);
  if (data == null) throw new Error(JSON.stringify(errors));
  return data;
};
const commands = async () => {
  const [container] = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${vmId}`] } });
  if (container === undefined) return [];
  const { Processes } = (await docker.getContainer(container.Id).top()) as { Processes: string[][] };
  return Processes.map((fields) => fields.at(-1) ?? '');
};
/** Shares the VM and follows the link; `end` withdraws it. */
async function share(role = 'CONTROL'): Promise<{ host: string; cookie: string; end(): Promise<unknown> }> {
  const { shareVm } = await run<{ shareVm: { url: string } }>(
    `shareVm(vmId: "${vmId}", role: CONTROL, for: "1h") { url }`,
  );
  // The tiny image does not leave out the input of viewers, so the API would refuse the role.
  await executeSql(gateway.databaseUrl, `update vm_access set role = '${role}' where is_guest and token_hash is null`);
  const { host, pathname, search } = new URL(shareVm.url);
  const { headers } = await visit(gateway.port, host, pathname + search);
  const { data } = await gateway.graphql<{ vm: { openAccess: { id: string }[] } }>(
    token,
    `{ vm(id: "${vmId}") { openAccess { id } } }`,
  );
  const [newest] = data?.vm.openAccess ?? [];
  return {
    host,
    cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '',
    end: () => run(`endAccess(vmId: "${vmId}", accessId: "${newest?.id}") { id }`),
  };
}

beforeAll(async () => {
  vmId = await createVm(gateway, token, { distribution: 'krita', desktop: null });
  await run(`startVm(id: "${vmId}") { id }`);
  await awaitRunning(gateway, token, vmId);
  owner = await openVm(gateway, token, vmId);
}, 120_000);

describe('the terminal of a VM', () => {
  it('carries what is typed and shown, and closes with the exit code; the audit has it', async () => {
    const terminal = await openTerminal(gateway, owner);
    terminal.type('echo "<$((6 * 7))$VM_PASSWORD>"; tty\n');
    await terminal.shows('<42>');
    terminal.send({ size: { columns: 40, rows: 10 } });
    terminal.type('exit 5\n');
    expect(await terminal.closed).toEqual({ code: 4000, words: 'The shell has ended with exit code 5.' });
    const { data } = await gateway.graphql<{ me: { audit: { nodes: unknown[] } } }>(
      token,
      '{ me { audit(first: 50, actions: [TERMINAL_OPENED]) { nodes { actor vmId details { name value } } } } }',
    );
    expect(data?.me.audit.nodes).toEqual([{ actor: 'terminal', vmId, details: [] }]);
  });

  it('is a page for who has control, a refusal for a viewer, and nothing for strangers and other origins', async () => {
    await run(`addSubdomain(input: { vmId: "${vmId}", name: "open", internalPort: 3000 }) { name }`);
    const page = await owner.visit('/.swiftor/terminal', PAGE);
    expect([page.status === 200 || page.status === 503, page.body]).toEqual([
      true,
      expect.stringMatching(/MyWebServer|not built/),
    ]);
    const ordinary = await visit(gateway.port, owner.host, '/');
    expect(await visit(gateway.port, owner.host, '/.swiftor/terminal')).toMatchObject({
      status: 404,
      body: ordinary.body,
    });
    await expect(openTerminal(gateway, { host: owner.host, cookie: '' })).rejects.toThrow('refused: 404');
    const named = { ...owner, host: `open-${owner.host}` };
    await expect(openTerminal(gateway, named)).rejects.toThrow('refused: 404');
    await expect(openTerminal(gateway, { ...owner, origin: 'http://other.test' })).rejects.toThrow('refused: 404');
    expect((await owner.visit('/.swiftor/terminal', { origin: 'http://other.test' })).status).toBe(404);
    const viewer = await share('VIEW');
    const { cookie, host } = viewer;
    expect(await visit(gateway.port, host, '/.swiftor/terminal', { cookie, ...PAGE })).toMatchObject({
      status: 403,
      body: expect.stringContaining('You may look on only'),
    });
    await expect(openTerminal(gateway, viewer)).rejects.toThrow('refused: 403');
    await viewer.end();
  });

  it('makes a shell that floods wait for a page that does not read, while others go on', async () => {
    const flooded = await openTerminal(gateway, owner, { reads: false });
    flooded.type('while :; do echo 0123456789012345678901234567890123456789; done\n');
    await eventually(() => flooded.bytes() > 200_000);
    const other = await openTerminal(gateway, owner);
    other.type('echo still-$((1 + 1))\n');
    await other.shows('still-2');
    expect(flooded.bytes()).toBeLessThan(400_000);
    flooded.type('\x03');
    flooded.read();
    flooded.type('echo back-$((2 + 1))\n');
    await flooded.shows('back-3');
    for (const each of [flooded, other]) each.socket.close();
  });

  it('ends with the WebSocket and with the access, and leaves no process behind', async () => {
    const left = await openTerminal(gateway, owner);
    left.type('sleep 5001 & sleep 5002\n');
    await eventually(async () => (await commands()).includes('sleep 5002'));
    left.socket.terminate();
    await eventually(async () => !(await commands()).join().includes('sleep 500'));

    const guest = await share();
    const shared = await openTerminal(gateway, guest);
    shared.type('sleep 5003\n');
    await eventually(async () => (await commands()).includes('sleep 5003'));
    await guest.end();
    expect((await shared.closed).code).toBe(4001);
    await eventually(async () => !(await commands()).join().includes('sleep 500'));
    await expect(openTerminal(gateway, guest)).rejects.toThrow('refused: 404');
  });

  it('goes on when the same browser opens the VM again, by the new access', async () => {
    const first = await openVm(gateway, token, vmId);
    const terminal = await openTerminal(gateway, first);
    terminal.type('echo in-$((2 + 2))\n');
    await terminal.shows('in-4');
    const { pathname, search } = await createOpenLink(gateway, token, vmId);
    const again = await visit(gateway.port, first.host, `${pathname}${search}&to=terminal`, { cookie: first.cookie });
    expect(again.headers.location).toBe('/.swiftor/terminal');
    const cookie = again.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await eventually(async () => (await visit(gateway.port, first.host, '/', { cookie: first.cookie })).status !== 200);
    terminal.type('echo on-$((3 + 3))\n');
    await terminal.shows('on-6');
    const other = await openTerminal(gateway, { host: first.host, cookie });
    await run(`endAccess(vmId: "${vmId}") { id }`);
    expect([(await terminal.closed).code, (await other.closed).code]).toEqual([4001, 4001]);
    owner = await openVm(gateway, token, vmId);
  });

  it('has a limit for each access', async () => {
    const open = await Promise.all(Array.from({ length: 8 }, () => openTerminal(gateway, owner)));
    await expect(openTerminal(gateway, owner)).rejects.toThrow('refused: 429');
    for (const { socket } of open) socket.close();
    await Promise.all(open.map(({ closed }) => closed));
    (await openTerminal(gateway, owner)).socket.close();
  });

  it('ends when its gateway does', async () => {
    const second = await createTestGateway({ databaseUrl: gateway.databaseUrl, env: { ...env, ROLES: 'api,ingress' } });
    const terminal = await openTerminal(second, owner);
    terminal.type('sleep 5004\n');
    await eventually(async () => (await commands()).includes('sleep 5004'));
    await second[Symbol.asyncDispose]();
    expect((await terminal.closed).code).toBe(1001);
    await eventually(async () => !(await commands()).join().includes('sleep 500'));
  });

  it('ends at once when the VM is stopped, whatever time the app takes', async () => {
    const terminal = await openTerminal(gateway, owner);
    terminal.type('echo up-$((2 + 3))\n');
    await terminal.shows('up-5');
    await run(`stopVm(id: "${vmId}") { id }`);
    const stoppedAt = performance.now();
    expect((await terminal.closed).code).toBe(4002);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect((await owner.visit('/.swiftor/terminal', PAGE)).status).toBe(503);
  });
});
