import { expect, it } from 'vitest';
import { containerOf } from '../../support/engine/containers.ts';
import { docker } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const gateway = useGateway();
const token = await testToken('alice');

const KIB = 1024;
const VALUES: Readonly<Record<string, string>> = {
  EMPTY: '',
  BLANKS: '  two  blanks  ',
  LINES: 'one\ntwo\r\nthree\n',
  TABS: '\ta\tb',
  QUOTES: `"'"'\``,
  SUBSTITUTIONS: '$(touch /tmp/no) `id` ${HOME} $HOME ; rm -rf / & | > <',
  BACKSLASHES: '\\ \\n \\0 \\\\',
  EQUALS: 'a=b=c',
  UNICODE: 'héllo 🖥 ظلّ 界',
  CONTROLS: '\u0001\u001b[31m\u007f',
  PERCENT: '%s %n %00',
  JSON_TEXT: '{"a":[1,"b"],"c":null}',
  DASHES: '--env-add X=1 -e Y=2',
  LONG: 'x'.repeat(32 * KIB),
};

async function set(vmid: string, key: string, value: string): Promise<{ status: number; error: string }> {
  const answer = await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid, key, value } });
  return { status: answer.status, error: ((await answer.json()) as { error?: string }).error ?? '' };
}

async function runsWith(vmid: string, key: string): Promise<Record<string, string>> {
  return eventually(
    async () => {
      const { output } = await execIn(await containerOf(vmid), ['/bin/cat', '/proc/1/environ'], 2 ** 21);
      const entries = output
        .split('\0')
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const);
      const environment = Object.fromEntries(entries);
      return Object.hasOwn(environment, key) ? environment : undefined;
    },
    { deadline: 60_000 },
  );
}

it(
  'of a container has each value as it was set, byte for byte, and no shell has seen it',
  { timeout: 90_000 },
  async () => {
    const id = await createVm(gateway, token, { password: `p "w' $(id) \\d` });
    for (const [key, value] of Object.entries(VALUES))
      expect([key, (await set(id, key, value)).status]).toEqual([key, 200]);
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const environment = await runsWith(id, 'LONG');
    expect(environment).toMatchObject({ ...VALUES, VM_PASSWORD: `p "w' $(id) \\d` });
    expect((await execIn(await containerOf(id), ['/bin/test', '-e', '/tmp/no'])).exitCode).toBe(1);
  },
);

it('of a container may be as large as the API lets it become, and starts', { timeout: 90_000 }, async () => {
  const id = await createVm(gateway, token);
  const statuses: number[] = [];
  for (let index = 0; index < 17; index += 1) {
    const { status, error } = await set(id, `BIG_${index}`, 'x'.repeat(32 * KIB));
    statuses.push(status);
    if (status !== 200) expect(error).toContain('512 KiB');
  }
  expect(statuses).toEqual([...Array<number>(15).fill(200), 409, 409]);
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  const environment = await runsWith(id, 'BIG_14');
  expect(Object.keys(environment).filter((key) => key.startsWith('BIG_'))).toHaveLength(15);
});

it(
  'of a container is of one moment, however often secrets are set while it starts, and in the end of the last',
  { timeout: 120_000 },
  async () => {
    const id = await createVm(gateway, token);
    for (const key of ['A', 'B']) await set(id, key, '0');
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const seen: (readonly [a: number, b: number])[] = [];
    const look = async (): Promise<void> => {
      for (const { Id } of await docker.listContainers({ all: true, filters: { label: [`io.swiftor.vm=${id}`] } })) {
        const inspected = await docker
          .getContainer(Id)
          .inspect()
          .catch(() => undefined);
        const valueOf = (key: string): number =>
          Number(inspected?.Config.Env.find((entry) => entry.startsWith(`${key}=`))?.slice(2));
        if (inspected !== undefined) seen.push([valueOf('A'), valueOf('B')]);
      }
    };
    for (let count = 1; count <= 12; count += 1) {
      await set(id, 'A', `${count}`);
      await look();
      await set(id, 'B', `${count}`);
      await look();
    }
    await eventually(async () => (await look(), seen.at(-1)?.join() === '12,12'), { deadline: 90_000 });
    // B is always set after A: a pair that does not show this is half of one moment and half of another.
    expect(seen.filter(([a, b]) => !(b === a || b === a - 1))).toEqual([]);
  },
);

/**
 * Each of another kind of danger: loaders, shells, interpreters, s6, linuxserver.io, desktops, sign-ins, and what is no
 * name at all.
 */
const REFUSED_NAMES = [
  'PATH',
  'HOME',
  'USER',
  'SHELL',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'GLIBC_TUNABLES',
  'GCONV_PATH',
  'HOSTALIASES',
  'IFS',
  'ENV',
  'BASH_ENV',
  'SHELLOPTS',
  'PS4',
  'PROMPT_COMMAND',
  'NODE_OPTIONS',
  'PYTHONSTARTUP',
  'PERL5OPT',
  'RUBYOPT',
  'S6_KEEP_ENV',
  'DOCKER_MODS',
  'FILE__PASSWORD',
  'PUID',
  'PGID',
  'UMASK',
  'LSIO_FIRST_PARTY',
  'START_DOCKER',
  'INSTALL_PACKAGES',
  'CUSTOM_USER',
  'CUSTOM_PORT',
  'CUSTOM_WS_PORT',
  'SUBFOLDER',
  'DISABLE_SUDO',
  'HARDEN_DESKTOP',
  'SELKIES_MASTER_TOKEN',
  'PASSWORD',
  '',
  '9A',
  'A B',
  'A=B',
  'A\n',
  'A\0',
  'Ä',
  'BASH_FUNC_ls%%',
  'A'.repeat(129),
];

it('of a container refuses these names, over GraphQL and REST alike', { timeout: 60_000 }, async () => {
  const id = await createVm(gateway, token);
  const query = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }';
  for (const key of REFUSED_NAMES) {
    const { errors } = await gateway.graphql(token, query, { input: { vmId: id, key, value: 'v' } });
    const { status, error } = await set(id, key, 'v');
    expect([key, errors?.[0]?.extensions.code, status, `input.${error}`]).toEqual([
      key,
      'BAD_USER_INPUT',
      400,
      errors?.[0]?.message,
    ]);
  }
  // Names like any other, whatever they mean to JavaScript.
  for (const key of ['__proto__', 'constructor', 'toString'])
    expect([key, (await set(id, key, key)).status]).toEqual([key, 200]);
  const { secrets } = (await (await gateway.rest(token, 'GET', '/vms/secrets')).json()) as {
    secrets: Record<string, Record<string, string>>;
  };
  expect(Object.entries(secrets[id] ?? {}).filter(([key]) => key !== 'VM_PASSWORD')).toEqual([
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['toString', 'toString'],
  ]);
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  const environment = await runsWith(id, 'toString');
  expect(Object.entries(environment).filter(([key]) => key === '__proto__' || key === 'constructor')).toHaveLength(2);
});

it.each([
  ['ubuntu', 'LD_PRELOAD'],
  ['ubuntu', 'DOCKER_MODS'],
  ['ubuntu', 'PASSWORD'],
  ['code-server', 'SUDO_PASSWORD'],
  ['code-server', 'DEFAULT_WORKSPACE'],
])('of %s refuses %s, over GraphQL and REST', async (distribution, key) => {
  const id = await createVm(gateway, token, { distribution, desktop: distribution === 'ubuntu' ? 'xfce' : null });
  const { errors } = await gateway.graphql(
    token,
    `mutation { setSecret(input: { vmId: "${id}", key: "${key}", value: "v" }) { key } }`,
  );
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.key' }] });
  const { status, error } = await set(id, key, 'v');
  expect([status, error]).toEqual([400, expect.stringContaining('is reserved')]);
  const { secrets } = (await (await gateway.rest(token, 'GET', '/vms/secrets')).json()) as {
    secrets: Record<string, object>;
  };
  expect(Object.keys(secrets[id] ?? {})).toEqual(['VM_PASSWORD']);
});
