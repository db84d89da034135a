import type { DistributionInput } from './distribution-schema.ts';
import { SHARED_EXCEPTIONS } from './security-exceptions.ts';

/**
 * The built-in distributions, according to the documentation and Dockerfiles of linuxserver.io and, for Minecraft, of
 * hexparrot/mineos. linuxserver.io's desktops moved from KasmVNC to Selkies in 2025 and kept port 3000.
 */
const SELKIES_DESKTOP = {
  defaultPort: 3000,
  passwordVariables: ['PASSWORD'],
  // nginx serves the page, behind HTTP Basic, long before there is a desktop. Only these paths reach the desktop, see
  // default.conf of docker-baseimage-selkies: the first in images up to 2026-08, the second in later ones.
  probe: { path: ['/websocket', '/api/websockets'], signIn: 'basic', expect: 'websocket' },
  signIn: { kind: 'basic', user: 'abc' },
  honoursViewers: 'stand-ins',
  shellUser: 'abc',
  env: { PUID: '1000', PGID: '1000', TZ: 'Etc/UTC' },
  recommended: { cpu: 2, ram: 4 },
  shmMb: 1024,
  bootSeconds: 180,
  pidsLimit: 2048,
} as const satisfies Partial<DistributionInput>;

const LINUXSERVER_APP = {
  shellUser: 'abc',
  env: { PUID: '1000', PGID: '1000', TZ: 'Etc/UTC' },
} as const satisfies Partial<DistributionInput>;

const tcpAndUdp = (from: number, to: number): NonNullable<DistributionInput['ports']> => [
  { from, to, protocol: 'tcp' },
  { from, to, protocol: 'udp' },
];

const webtop = (base: 'ubuntu' | 'debian' | 'fedora') =>
  Object.fromEntries(
    ['xfce', 'kde', 'mate', 'i3'].map((desktop) => [desktop, `lscr.io/linuxserver/webtop:${base}-${desktop}`]),
  );

export const DISTRIBUTIONS: readonly DistributionInput[] = [
  {
    ...SELKIES_DESKTOP,
    code: 'ubuntu',
    name: 'Ubuntu',
    category: 'Desktops',
    homepage: 'https://ubuntu.com',
    description: 'Standard Ubuntu with a desktop of your choice.',
    images: webtop('ubuntu'),
  },
  {
    ...SELKIES_DESKTOP,
    code: 'debian',
    name: 'Debian',
    category: 'Desktops',
    homepage: 'https://www.debian.org',
    description: 'Standard Debian with a desktop of your choice.',
    images: webtop('debian'),
    localImages: { xfce: 'local/webtop:debian-xfce', kde: 'local/webtop:debian-kde' },
  },
  {
    ...SELKIES_DESKTOP,
    code: 'fedora',
    name: 'Fedora',
    category: 'Desktops',
    homepage: 'https://fedoraproject.org',
    description: 'Standard Fedora with a desktop of your choice.',
    images: webtop('fedora'),
  },
  {
    ...SELKIES_DESKTOP,
    code: 'kali',
    name: 'Kali Linux',
    category: 'Security',
    homepage: 'https://www.kali.org',
    description: 'Kali Linux for penetration testing.',
    image: 'lscr.io/linuxserver/kali-linux:latest',
  },
  {
    ...SELKIES_DESKTOP,
    code: 'blender',
    name: 'Blender',
    category: 'Graphics',
    homepage: 'https://www.blender.org',
    recommended: { cpu: 4, ram: 8 },
    description: 'Blender, 3D graphics.',
    image: 'lscr.io/linuxserver/blender:latest',
    localImage: 'local/blender:latest',
  },
  {
    ...LINUXSERVER_APP,
    code: 'code-server',
    name: 'code-server',
    category: 'Development',
    homepage: 'https://coder.com/docs/code-server',
    recommended: { cpu: 2, ram: 4 },
    description: 'VS Code in the browser. The folder /config/workspace stays until the VM is deleted.',
    image: 'lscr.io/linuxserver/code-server:latest',
    localImage: 'local/code-server:latest',
    defaultPort: 8443,
    volumes: [
      { name: 'primary', path: '/config' },
      { name: 'workspace', path: '/config/workspace' },
    ],
    passwordVariables: ['PASSWORD', 'SUDO_PASSWORD'],
    signIn: { kind: 'form', path: '/login', field: 'password', cookie: 'code-server-session' },
    env: { ...LINUXSERVER_APP.env, DEFAULT_WORKSPACE: '/config/workspace' },
    // The image's own start script waits up to 300 s for the port.
    bootSeconds: 300,
  },
  {
    ...LINUXSERVER_APP,
    code: 'emulatorjs',
    name: 'EmulatorJS',
    category: 'Games',
    homepage: 'https://emulatorjs.org',
    description: 'Retro game emulation. The manager is at /manage; games in /data stay until the VM is deleted.',
    image: 'lscr.io/linuxserver/emulatorjs:latest',
    defaultPort: 80,
    volumes: [
      { name: 'primary', path: '/config' },
      { name: 'data', path: '/data' },
    ],
    // The manager uses relative links to assets and absolute ones to its file browser, so it needs its path.
    env: { ...LINUXSERVER_APP.env, SUBFOLDER: '/manage/' },
    routes: [{ path: '/manage', port: 3000, protocol: 'http' }],
    deprecated: 'linuxserver.io no longer builds this image; it names gaseous-server, romm and webrcade as successors.',
  },
  {
    ...LINUXSERVER_APP,
    code: 'phpmyadmin',
    name: 'phpMyAdmin',
    category: 'Databases',
    homepage: 'https://www.phpmyadmin.net',
    description: 'MySQL and MariaDB administration; sign in with the account of your database.',
    image: 'lscr.io/linuxserver/phpmyadmin:latest',
    localImage: 'local/phpmyadmin:latest',
    defaultPort: 80,
    // Without it users cannot choose a server.
    env: { ...LINUXSERVER_APP.env, PMA_ARBITRARY: '1' },
  },
  {
    ...SELKIES_DESKTOP,
    code: 'krita',
    name: 'Krita',
    category: 'Graphics',
    homepage: 'https://krita.org',
    description: 'Krita, digital painting. The image exists for amd64 only.',
    image: 'lscr.io/linuxserver/krita:latest',
    localImage: 'local/krita:latest',
    architectures: ['amd64'],
  },
  {
    ...SELKIES_DESKTOP,
    code: 'steamos',
    name: 'SteamOS',
    category: 'Games',
    homepage: 'https://store.steampowered.com/steamos',
    recommended: { cpu: 4, ram: 8 },
    description: 'A SteamOS-like environment with ports that you may forward. Needs a GPU of AMD or Intel at /dev/dri.',
    image: 'lscr.io/linuxserver/steamos:latest',
    architectures: ['amd64'],
    // Still KasmVNC, whose WebSocket answers real connections only. Its page is served after the desktop has started.
    probe: { path: '/', signIn: 'basic', expect: 'answer' },
    portForwarding: true,
    ports: [
      ...tcpAndUdp(27031, 27036),
      { from: 47984, to: 47990, protocol: 'tcp' },
      { from: 48010, to: 48010, protocol: 'tcp' },
      { from: 47998, to: 48000, protocol: 'udp' },
    ],
    // As its documentation requires: Steam's sandbox and network setup do not start otherwise.
    seccomp: 'unconfined',
    devices: ['/dev/dri'],
    // It needs NET_ADMIN for HOST_IP only, which routes the container onto the operator's network.
    exceptions: [
      ...SHARED_EXCEPTIONS,
      { check: '5.18', reason: 'Games need the GPU at /dev/dri; the image does not start without.' },
      { check: '5.22', reason: "Steam's own sandbox makes system calls that the default filter refuses." },
    ],
    deprecated: 'linuxserver.io deprecated this image on 2025-12-09; its successor is lscr.io/linuxserver/steam.',
  },
  {
    code: 'minecraft',
    name: 'MineOS',
    category: 'Games',
    homepage: 'https://github.com/hexparrot/mineos',
    recommended: { cpu: 2, ram: 4 },
    description:
      'Minecraft server management: web interface on the VM\'s address, game servers on port 25565. Sign in as "mc".',
    image: 'hexparrot/mineos:latest',
    defaultPort: 8443,
    scheme: 'https',
    volumes: [{ name: 'primary', path: '/var/games/minecraft' }],
    passwordVariables: ['USER_PASSWORD'],
    passwordUser: 'mc',
    env: { USER_NAME: 'mc', USER_UID: '1000', GROUP_NAME: 'mc', GROUP_GID: '1000' },
    routes: [{ path: '/minecraft', port: 25565, protocol: 'tcp' }],
    ports: tcpAndUdp(25565, 25570),
    // Worlds are saved at the stop. An early kill may corrupt them (see the image's compose file).
    stopGraceSeconds: 600,
    bootSeconds: 300,
    pidsLimit: 2048,
  },
];
