import { beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import { ApiError } from '../../../src/errors.ts';
import { whyReserved } from '../../../src/vm/commands/reserved-keys.ts';
import { parseCreateVm, parseSecret, parseSubdomain, parseUpdateVm } from '../../../src/vm/commands/vm-input.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU', 'US'] });
});

const VM = {
  vmlabel: 'MyWebServer',
  region: 'AU',
  password: 'your-secure-password',
  storageType: 'PERSISTENT',
  distribution: 'ubuntu',
  desktop: 'xfce',
  cpu: 2,
  ram: 4,
} as const;
const create = (more: object) => parseCreateVm({ ...VM, ...more }, catalog);

/** The names of the fields that the input is refused for, each of them also in its sentence. */
function refusedFor(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    expect(error.code).toBe('BAD_USER_INPUT');
    const fields = error.details.fields ?? [];
    for (const { path, message } of fields) expect(error.message).toContain(`${path}: ${message}`);
    return fields.map(({ path }) => path);
  }
  throw new Error('The input was accepted.');
}

describe('a VM to create', () => {
  it('is returned as given, with null for no desktop', () => {
    expect(create({})).toEqual(VM);
    expect(create({ distribution: 'krita', desktop: undefined })).toEqual({
      ...VM,
      distribution: 'krita',
      desktop: null,
    });
  });

  it.each([undefined, null, ''])('accepts %j as no desktop', (desktop) => {
    expect(create({ distribution: 'krita', desktop }).desktop).toBeNull();
    expect(refusedFor(() => create({ distribution: 'ubuntu', desktop }))).toEqual(['desktop']);
  });

  it.each<[string, unknown]>([
    ['vmlabel', ''],
    ['vmlabel', '   '],
    ['vmlabel', 'x'.repeat(101)],
    ['vmlabel', 'two\nlines'],
    ['vmlabel', 'bell\u0007'],
    ['vmlabel', 'c1 \u0085'],
    ['vmlabel', 'line\u2028separator'],
    ['vmlabel', 'turned \u202e around'],
    ['vmlabel', 'isolated \u2066'],
    ['vmlabel', 'half \ud83d'],
    ['vmlabel', 7],
    ['vmlabel', null],
    ['vmlabel', undefined],
    ['password', ''],
    ['password', 'x'.repeat(129)],
    ['password', 'nul\0'],
    ['region', 'EU'],
    ['region', 'au'],
    ['region', ''],
    ['region', 7],
    ['region', null],
    ['storageType', 'persistent'],
    ['storageType', null],
    ['distribution', 'windows'],
    ['distribution', 'Ubuntu'],
    ['distribution', '__proto__'],
    ['distribution', 7],
    ['distribution', null],
    ['distribution', { code: 'ubuntu' }],
    ['desktop', 'gnome'],
    ['desktop', 'toString'],
    ['desktop', 'XFCE'],
    ['desktop', 7],
    ['cpu', 0],
    ['cpu', -1],
    ['cpu', 1.5],
    ['cpu', 129],
    ['cpu', Number.NaN],
    ['cpu', Number.POSITIVE_INFINITY],
    ['cpu', '2'],
    ['cpu', null],
    ['ram', 0],
    ['ram', 1025],
    ['ram', 0.5],
    ['ram', true],
    ['idempotencyKey', ''],
    ['idempotencyKey', 'x'.repeat(256)],
    ['idempotencyKey', 'two\nlines'],
  ])('is refused because of its %s %j alone', (field, value) => {
    expect(refusedFor(() => create({ [field]: value }))).toEqual([field]);
  });

  it.each<[string, unknown]>([
    ['vmlabel', 'x'.repeat(100)],
    ['vmlabel', 'Büro 🖥 №1'],
    ['vmlabel', 'ظلّ'],
    ['password', ' '.repeat(3) + 'x'],
    ['password', 'x'.repeat(128)],
    ['storageType', 'EPHEMERAL'],
    ['region', 'US'],
    ['desktop', 'i3'],
    ['cpu', 1],
    ['cpu', 128],
    ['ram', 1024],
    ['idempotencyKey', 'x'.repeat(255)],
    ['idempotencyKey', null],
  ])('is accepted with the %s %j', (field, value) => {
    expect(create({ [field]: value })).toMatchObject({ [field]: value });
  });

  it('is refused with every bad field at once', () => {
    const bad = {
      vmlabel: '',
      region: 'EU',
      password: '',
      distribution: 'windows',
      cpu: 0,
      ram: 0.5,
      storageType: 'HUGE',
    };
    expect(refusedFor(() => create(bad)).toSorted()).toEqual(Object.keys(bad).toSorted());
    expect(refusedFor(() => create({ desktop: 'gnome', cpu: 0, region: 'EU' })).toSorted()).toEqual([
      'cpu',
      'desktop',
      'region',
    ]);
  });

  it.each([null, undefined, 'ubuntu', 7, []])('is refused when it is %j', (value) => {
    expect(() => parseCreateVm(value, catalog)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  it('is refused with the values that exist', () => {
    expect(() => create({ region: 'EU' })).toThrow('region: must be a region; there are AU, US.');
    expect(() => create({ distribution: 'windows' })).toThrow(
      /distribution: must be a distribution; there are ubuntu, debian, .*minecraft\./,
    );
    expect(() => create({ desktop: 'gnome' })).toThrow(
      'desktop: Ubuntu needs one of its desktops: xfce, kde, mate, i3.',
    );
    expect(() => create({ distribution: 'krita' })).toThrow(
      'desktop: Krita comes with its own interface; leave the desktop out.',
    );
  });

  it('is refused without repeating its password', () => {
    const password = `hunter2\n${'x'.repeat(200)}`;
    expect(() => create({ password })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('a VM to update', () => {
  it('needs no field and accepts each alone', () => {
    expect(parseUpdateVm({})).toEqual({});
    expect(parseUpdateVm({ cpu: 4 })).toEqual({ cpu: 4 });
    expect(parseUpdateVm({ vmlabel: null, ram: null })).toEqual({ vmlabel: null, ram: null });
  });

  it.each<[string, unknown]>([
    ['vmlabel', ''],
    ['vmlabel', 'two\nlines'],
    ['cpu', 0],
    ['cpu', 129],
    ['ram', 1.5],
  ])('is refused for its %s %j', (field, value) => {
    expect(refusedFor(() => parseUpdateVm({ vmlabel: 'ok', cpu: 1, ram: 1, [field]: value }))).toEqual([field]);
  });
});

describe('a secret', () => {
  const key = (name: unknown) => () => parseSecret({ key: name, value: 'v' });

  it.each([
    'API_KEY',
    '_',
    'a',
    'x9',
    'VM_PASSWORD',
    'PASSWORD',
    'TZ',
    'LANG',
    'TITLE',
    'PATHS',
    'MY_PATH',
    'LD',
    'S6',
    'FILE_PATH',
    'HOMEPAGE',
    'USERNAME',
    'ENVIRONMENT',
    'PS5',
    'DATABASE_URL',
    'HTTPS_PROXY',
    'JAVA_TOOL_OPTIONS',
    'PMA_HOST',
    'GITHUB_TOKEN',
    'GIT_AUTHOR_NAME',
    'VNC_PASSWORD',
    'path',
    'A'.repeat(128),
  ])('may have the name %s', (name) => {
    expect(parseSecret({ key: name, value: 'v' })).toEqual({ key: name, value: 'v' });
  });

  it.each([
    '',
    '9A',
    'A-B',
    'A B',
    'A=B',
    'A.B',
    'Ä',
    'A\n',
    'A\0',
    'BASH_FUNC_ls%%',
    'A'.repeat(129),
    7,
    null,
    undefined,
  ])('may not be called %j: that is no name of a variable', (name) => {
    expect(refusedFor(key(name))).toEqual(['key']);
  });

  it.each([
    'PATH',
    'HOME',
    'USER',
    'SHELL',
    'IFS',
    'ENV',
    'BASH_ENV',
    'SHELLOPTS',
    'BASHOPTS',
    'PS4',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'DOCKER_MODS',
    'FILE__PASSWORD',
    'S6_KEEP_ENV',
    'S6_CMD_WAIT_FOR_SERVICES',
    'PUID',
    'PGID',
    'UMASK',
    'LSIO_FIRST_PARTY',
    'CUSTOM_PORT',
    'CUSTOM_HTTPS_PORT',
    'START_DOCKER',
    'NODE_OPTIONS',
    'PYTHONSTARTUP',
    'PERL5OPT',
    'RUBYOPT',
    'GIT_SSH_COMMAND',
    'LOGNAME',
    'PWD',
    'TMPDIR',
    'HOSTNAME',
    'GLIBC_TUNABLES',
    'MALLOC_CHECK_',
    'HOSTALIASES',
    'RES_OPTIONS',
    'BASH_XTRACEFD',
    'PROMPT_COMMAND',
    'CDPATH',
    'PYTHONPATH',
    'PYTHONHOME',
    'PERL5LIB',
    'RUBYLIB',
    'GIT_EXEC_PATH',
    'OPENSSL_CONF',
    'DOCKER_MODS_FORCE_REGISTRY',
    'INSTALL_PACKAGES',
    'CUSTOM_USER',
    'CUSTOM_WS_PORT',
    'SUBFOLDER',
    'DISABLE_SUDO',
    'HARDEN_DESKTOP',
    'HARDEN_OPENBOX',
    'SELKIES_MASTER_TOKEN',
    'SELKIES_COMMAND_ENABLED',
    'PIXELFLUX_WAYLAND',
    'KASM_PORT',
    'VNCOPTIONS',
    'DISPLAY',
    'XDG_RUNTIME_DIR',
    'DRINODE',
    'HASHED_PASSWORD',
    'SUDO_PASSWORD_HASH',
  ])('must not have the reserved name %s', (name) => {
    expect(refusedFor(key(name))).toEqual(['key']);
    expect(key(name)).toThrow('is reserved');
  });

  it.each(['', 'line\nline', '"$(id)"', '🖥', 'x'.repeat(32 * 1024), 'ü'.repeat(16 * 1024)])(
    'may be any text (case %#)',
    (value) => {
      expect(parseSecret({ key: 'A', value }).value).toBe(value);
    },
  );

  it.each(['nul\0', 'half \udc00', 'x'.repeat(32 * 1024 + 1), `${'ü'.repeat(16 * 1024)}x`, 7, null, undefined])(
    'may not be what an environment cannot hold (case %#)',
    (value) => {
      expect(refusedFor(() => parseSecret({ key: 'A', value }))).toEqual(['value']);
    },
  );

  it.each([
    ['ubuntu', 'PASSWORD', /VM_PASSWORD/],
    ['code-server', 'SUDO_PASSWORD', /VM_PASSWORD/],
    ['minecraft', 'USER_PASSWORD', /VM_PASSWORD/],
    ['minecraft', 'USER_UID', /the catalog sets it for MineOS/],
    ['phpmyadmin', 'PMA_ARBITRARY', /the catalog sets it/],
    ['code-server', 'DEFAULT_WORKSPACE', /the catalog sets it/],
    ['krita', 'LD_PRELOAD', /the image or its loader/],
  ])('of %s must not have the name %s', (code, name, why) => {
    expect(whyReserved(name, catalog.distributions.get(code))).toMatch(why);
  });

  it.each([
    ['krita', 'TZ'],
    ['phpmyadmin', 'PASSWORD'],
    ['phpmyadmin', 'PMA_HOST'],
    ['krita', 'VM_PASSWORD'],
    ['krita', 'toString'],
    ['no-longer-offered', 'PASSWORD'],
  ])('of %s may have the name %s', (code, name) => {
    expect(whyReserved(name, catalog.distributions.get(code))).toBeUndefined();
  });

  it.each(['', '  ', 'two\nlines', 'x'.repeat(129)])(
    'named VM_PASSWORD must be a valid password (case %#)',
    (value) => {
      expect(refusedFor(() => parseSecret({ key: 'VM_PASSWORD', value }))).toEqual(['value']);
    },
  );

  it('is refused without repeating its value', () => {
    const bad = { key: 'A', value: 'hunter2\0' };
    expect(() => parseSecret(bad)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('a mapping', () => {
  const MAPPING = { name: 'myapp', internalPort: 5001, visibility: 'PUBLIC' } as const;

  it.each<[string, unknown]>([
    ['name', 'a'],
    ['name', 'x'.repeat(26)],
    ['internalPort', 1],
    ['internalPort', 65535],
    ['visibility', 'PRIVATE'],
  ])('may have the %s %j', (field, value) => {
    expect(parseSubdomain({ ...MAPPING, [field]: value })).toEqual({ ...MAPPING, [field]: value });
  });

  it.each<[string, unknown]>([
    ['name', ''],
    ['name', 'x'.repeat(27)],
    ['name', 'MyApp'],
    ['name', '-app'],
    ['name', 'app-'],
    ['name', 'my.app'],
    ['name', 'app\n'],
    ['name', null],
    ['internalPort', 0],
    ['internalPort', -80],
    ['internalPort', 65536],
    ['internalPort', 1.5],
    ['internalPort', '80'],
    ['internalPort', null],
    ['visibility', 'public'],
    ['visibility', null],
  ])('must not have the %s %j', (field, value) => {
    expect(refusedFor(() => parseSubdomain({ ...MAPPING, [field]: value }))).toEqual([field]);
  });
});
