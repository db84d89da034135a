import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { machineSpec, newInstallationId, testDriver } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { asRoot, asRootArgv } from '../../support/engine/test-engine-names.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';

/** Answers each question with 198.51.100.77, and writes down what it was asked. */
const NAME_SERVER = `
const udp = require('node:dgram').createSocket('udp4').bind(53, '127.0.0.1');
udp.on('message', (query, { address, port }) => {
  let end = 12;
  const labels = [];
  while (query[end] !== 0) labels.push(query.toString('latin1', end + 1, (end += query[end] + 1)));
  require('node:fs').appendFileSync(process.argv[1], labels.join('.') + '\\n');
  const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 198, 51, 100, 77]);
  udp.send(Buffer.concat([header, query.subarray(12, end + 5), answer]), port, address);
});
`;
/** A host whose name server listens on loopback, and its engine. */
const HOST = `
cd "$1"
target=$(readlink -m /etc/resolv.conf)
mount -t tmpfs tmpfs /run
mkdir -p "$(dirname "$target")"
[ -e "$target" ] || : > "$target"
echo 'nameserver 127.0.0.1' > resolv.conf
mount --bind resolv.conf "$target"
ip link set lo up
"$2" -e "$3" "$1/asked" &
exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" -H "unix://$1/docker.sock"
`;

const undo = new AsyncDisposableStack();
const within = () => AbortSignal.timeout(30_000);
let folder: string;
let driver: EngineDriver;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-names-'));
  undo.defer(async () => void (await asRoot('rm', '-rf', folder)));
  const space = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
  const args = [folder, process.execPath, NAME_SERVER];
  const [program, ...argv] = asRootArgv(...space, 'docker-init', '--', 'sh', '-c', HOST, 'sh', ...args);
  const host = spawn(program, argv, { stdio: 'ignore' });
  undo.defer(async () => {
    const exited = once(host, 'exit');
    host.kill('SIGKILL');
    await exited;
  });
  const docker = new Docker({ socketPath: path.join(folder, 'docker.sock') });
  await eventually(() => docker.ping(), { deadline: 30_000 });
  await testImage(docker);
  const endpoint = `unix://${folder}/docker.sock`;
  driver = testDriver(newInstallationId(), { endpoint, isolation: 'off' });
  undo.defer(() => driver.close());
}, 90_000);

afterAll(() => undo.disposeAsync(), 60_000);

async function lookUp(name: string, egress: MachineSpec['egress']): Promise<string> {
  const command = ['/bin/busybox', 'timeout', '3', '/bin/busybox', 'nslookup', '-type=a', name];
  const spec = machineSpec({ egress, command });
  await driver.ensure(spec, within(), () => undefined);
  const lines = [];
  for await (const { text } of driver.logs(spec.id, { tail: 100, follow: true }, within())) lines.push(text);
  return lines.join('\n');
}

it("a VM without egress looks up no name, also where the host's name server is on the host's loopback", async () => {
  expect(await lookUp('online.example', 'internet')).toContain('198.51.100.77');
  expect(await lookUp('secret.example', 'none')).not.toContain('198.51.100.77');
  const asked = await readFile(path.join(folder, 'asked'), 'utf8');
  expect(asked).toContain('online.example');
  expect(asked).not.toContain('secret.example');
}, 60_000);
