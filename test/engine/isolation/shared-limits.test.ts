import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { firewallRules, MACHINE_CONNECTIONS } from '../../../src/engine/docker/isolation/firewall-rules.ts';
import { SHARED_ENGINE_NAMES, toSharedEngineNames } from '../../../src/engine/docker/containers/shared-engine-names.ts';
import { LOWEST_SETTINGS, parseUnheld } from '../../../src/engine/docker/isolation/shared-limits.ts';
import { readScript } from '../../../src/engine/docker/shell/read-script.ts';
import {
  docker,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { createOutside, type Outside } from '../../support/engine/outside.ts';
import { asRoot, asRootArgv, createTestEngineNames } from '../../support/engine/test-engine-names.ts';

/** A host of the internet, as far as the machines can tell. */
const FAR = '198.51.100.78';
const INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
const KERNEL_DEFAULT = '128';

const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
const undo = new AsyncDisposableStack();
const installationId = newInstallationId();
const { engineNames } = undo.use(createTestEngineNames());
const driver = testDriver(installationId, { engineNames });
undo.defer(() => driver.close());
undo.defer(() => removeInstallation(installationId));
let outside: Outside;

beforeAll(async () => {
  await testImage();
  await driver.isolate(within());
  outside = undo.use(await createOutside([FAR], [engineNames.networks.internet]));
}, 60_000);

afterAll(() => undo.disposeAsync(), 60_000);

async function machine(overrides = {}) {
  const spec = machineSpec(overrides);
  const { ref } = await driver.ensure(spec, within(), () => undefined);
  const { State, NetworkSettings } = await docker.getContainer(ref).inspect();
  const address = NetworkSettings.Networks[engineNames.networks[spec.egress]]?.IPAddress ?? '';
  return { id: spec.id, ref, pid: String(State.Pid), address };
}

/** Opens the given resource as often as it can, and prints how often. Then waits to be ended. */
const TAKE = `
  my ($call, $most) = @ARGV;
  my @taken;
  while (@taken < $most) { my $fd = syscall($call, 0); last if $fd < 0; push @taken, $fd }
  $| = 1;
  print scalar(@taken), "\\n";
  <STDIN>;
`;
/** The number of inotify_init1. */
const INOTIFY = process.arch === 'arm64' ? '26' : '294';
const take = (most: number) => ['perl', '-e', TAKE, INOTIFY, String(most)] as const;

/** A machine's container, with this host's programs in it. */
async function takeInContainer(most: number) {
  const container = await docker.createContainer({
    Image: await testImage(),
    Labels: { 'io.swiftor.installation': installationId },
    Entrypoint: [],
    Cmd: ['/usr/bin/perl', ...take(most).slice(1)],
    OpenStdin: true,
    HostConfig: {
      NetworkMode: 'none',
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
      Ulimits: [{ Name: 'nofile', Soft: 16_384, Hard: 16_384 }],
      Mounts: ['/usr', '/lib', '/lib64'].map((path) => ({ Type: 'bind', Source: path, Target: path, ReadOnly: true })),
    },
  });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const first = new Promise<string>(
    (resolve) => void stream.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 8))),
  );
  await container.start();
  return { taken: Number(await first), end: () => container.remove({ force: true }) };
}

it('one VM takes all instances of inotify that it can, and neither another VM nor the host is left without', async () => {
  // It would raise them too, if another test has just left it.
  await docker
    .getContainer(SHARED_ENGINE_NAMES.watchdog)
    .remove({ force: true })
    .catch(() => undefined);
  await asRoot('sh', '-c', `echo ${KERNEL_DEFAULT} > ${INSTANCES}`);
  expect(await driver.isolate(within())).toBe('isolated');
  const greedy = await takeInContainer(100_000);
  try {
    expect(greedy.taken).toBeGreaterThan(Number(KERNEL_DEFAULT));
    const other = await takeInContainer(100);
    await other.end();
    expect(other.taken).toBe(100);
    const [program, ...args] = take(100);
    expect(await asRoot('sh', '-c', '"$@" < /dev/null', 'sh', program, ...args)).toBe('100\n');
  } finally {
    await greedy.end();
  }
});

it('the watchdog names what the host cannot hold, also after it has moved its rules to the front again', async () => {
  const space = `swl-${engineNames.watchdog.slice(2, 6)}`;
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-limits-'));
  await asRoot('ip', 'netns', 'add', space);
  onTestFinished(async () => {
    await asRoot('ip', 'netns', 'del', space);
    await rm(folder, { recursive: true });
  });
  // A kernel that cannot count connections, and a setting that nobody can write.
  const refuse =
    'rules=$(cat)\ncase $rules in *connlimit*) exit 1 ;; esac\necho "$rules" | /usr/sbin/iptables-restore "$@"\n';
  await writeFile(path.join(folder, 'iptables-restore'), `#!/bin/sh\n${refuse}`, { mode: 0o755 });
  await mkdir(path.join(folder, 'fs'));
  await symlink('/proc/sys/kernel/ngroups_max', path.join(folder, 'fs/file-max'));
  const script = readScript('watchdog').replaceAll('/host-sys', folder);
  const { ipv4, ipv6 } = firewallRules(toSharedEngineNames('swlimit'), []);
  const { chains, bridges } = toSharedEngineNames('swlimit');
  const inside = ['ip', 'netns', 'exec', space] as const;
  const names = [chains.forward, chains.input, chains.deny, bridges];
  const argv = ['sh', '-c', script, 'watchdog', 'watch', ...names, ipv4, ipv6, LOWEST_SETTINGS];
  const [program, ...args] = asRootArgv(...inside, 'env', `PATH=${folder}:${process.env['PATH']}`, ...argv);
  const watchdog = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const answers = createInterface(watchdog.stdout);
    const ask = async (token: string) => {
      watchdog.stdin.write(`${token}\n`);
      const [answer] = (await once(answers, 'line', { signal: within() })) as [string];
      return answer;
    };
    const line = await ask('a-word');
    expect(line).toBe('a-word connlimit fs/file-max=65536');
    expect(parseUnheld(line)).toEqual([
      expect.stringContaining('connections of each VM'),
      'fs.file-max (65536; set it to 1073741824 with sysctl)',
    ]);
    const rules = await asRoot(...inside, 'iptables', '-S', chains.forward);
    expect(rules).toContain('-d 169.254.0.0/16');
    expect(rules).not.toContain('connlimit');
    await asRoot(...inside, 'iptables', '-I', 'INPUT', '-j', 'ACCEPT');
    expect(await ask('another')).toBe('another connlimit fs/file-max=65536');
  } finally {
    const exited = once(watchdog, 'exit');
    watchdog.kill();
    await exited;
  }
});

it('a VM has so many connections at once, of TCP and UDP together, and others none fewer', async () => {
  const [greedy, other] = await Promise.all([machine(), machine()]);
  // Slower than what is refused for its rate alone.
  const flood = `
    use Socket;
    socket(my $socket, PF_INET, SOCK_DGRAM, 0);
    for my $port (1024 .. 21023) {
      send($socket, 'x', 0, pack_sockaddr_in($port, inet_aton('${FAR}')));
      select(undef, undef, undef, 0.03) if $port % 100 == 0;
    }
  `;
  const get = async (ref: string) => {
    const { output } = await execIn(ref, ['/bin/sh', '-c', `printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc -w 5 ${FAR} 80`]);
    return output.endsWith('outside');
  };
  expect(await outside.run('busybox', 'wget', '-q', '-O', '-', `http://${FAR}/`)).toBe('outside');
  expect(await get(greedy.ref)).toBe(true);
  await asRoot('nsenter', `--net=/proc/${greedy.pid}/ns/net`, 'perl', '-e', flood);
  const table = await readFile('/proc/net/nf_conntrack', 'utf8');
  const entries = table.split('\n').filter((line) => line.includes(` src=${greedy.address} dst=${FAR} `)).length;
  expect(entries).toBeGreaterThan(MACHINE_CONNECTIONS / 2);
  expect(entries).toBeLessThan(MACHINE_CONNECTIONS * 1.2);
  expect(await get(greedy.ref)).toBe(false);
  expect(await get(other.ref)).toBe(true);
}, 60_000);

it("the engine's name server tells a VM no id of another, by whatever address it asks", async () => {
  const [asking, other] = await Promise.all([machine(), machine()]);
  const { output } = await execIn(asking.ref, ['/bin/busybox', 'nslookup', other.address]);
  expect(output).toContain('name = swiftor-');
  expect(output).not.toContain(other.id);
  expect(output).not.toContain(other.id.slice(0, 8));
});
