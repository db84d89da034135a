import { SHARED_EXCEPTIONS, type DistributionInput } from './distribution.ts';

/**
 * The seed's eleven distributions with what each image really needs: linuxserver.io's documentation pages and
 * Dockerfiles, and hexparrot/mineos for Minecraft. Its desktops moved from KasmVNC to Selkies in 2025 and kept port 3000.
 */
const SELKIES_DESKTOP = {
  defaultPort: 3000,
  passwordVariables: ['PASSWORD'],
  // Its nginx serves the page, behind HTTP Basic, long before there is a desktop: only these paths lead to one (default.conf of
  // docker-baseimage-selkies). Images up to 2026-08 have the first, their successors (branch dev) the second; the other is a 404.
  probe: { path: ['/websocket', '/api/websockets'], signIn: 'basic', expect: 'websocket' },
  env: { PUID: '1000', PGID: '1000', TZ: 'Etc/UTC' },
  shmMb: 1024,
  bootSeconds: 180,
  pidsLimit: 2048,
} as const satisfies Partial<DistributionInput>;

const LINUXSERVER_APP = {
  env: { PUID: '1000', PGID: '1000', TZ: 'Etc/UTC' },
} as const satisfies Partial<DistributionInput>;

const tcpAndUdp = (from: number, to: number): NonNullable<DistributionInput['ports']> => [
  { from, to, protocol: 'tcp' },
  { from, to, protocol: 'udp' },
];

const webtop = (base: 'ubuntu' | 'debian' | 'fedora') =>
  Object.fromEntries(['xfce', 'kde', 'mate', 'i3'].map((desktop) => [desktop, `lscr.io/linuxserver/webtop:${base}-${desktop}`]));

export const DISTRIBUTIONS: readonly DistributionInput[] = [
  {
    ...SELKIES_DESKTOP,
    code: 'ubuntu',
    name: 'Ubuntu',
    description: 'Standard Ubuntu with a desktop of your choice.',
    images: webtop('ubuntu'),
  },
  {
    ...SELKIES_DESKTOP,
    code: 'debian',
    name: 'Debian',
    description: 'Standard Debian with a desktop of your choice.',
    images: webtop('debian'),
    localImages: { xfce: 'local/webtop:debian-xfce', kde: 'local/webtop:debian-kde' },
  },
  {
    ...SELKIES_DESKTOP,
    code: 'fedora',
    name: 'Fedora',
    description: 'Standard Fedora with a desktop of your choice.',
    images: webtop('fedora'),
  },
  {
    ...SELKIES_DESKTOP,
    code: 'kali',
    name: 'Kali Linux',
    description: 'Kali Linux for penetration testing.',
    image: 'lscr.io/linuxserver/kali-linux:latest',
  },
  {
    ...SELKIES_DESKTOP,
    code: 'blender',
    name: 'Blender',
    description: 'Blender, 3D graphics.',
    image: 'lscr.io/linuxserver/blender:latest',
    localImage: 'local/blender:latest',
  },
  {
    ...LINUXSERVER_APP,
    code: 'code-server',
    name: 'code-server',
    description: 'VS Code in the browser. The folder /config/workspace stays until the VM is deleted.',
    image: 'lscr.io/linuxserver/code-server:latest',
    localImage: 'local/code-server:latest',
    defaultPort: 8443,
    volumes: [
      { name: 'primary', path: '/config' },
      { name: 'workspace', path: '/config/workspace' },
    ],
    passwordVariables: ['PASSWORD', 'SUDO_PASSWORD'],
    env: { ...LINUXSERVER_APP.env, DEFAULT_WORKSPACE: '/config/workspace' },
    // Its own start waits up to 300 s for the port.
    bootSeconds: 300,
  },
  {
    ...LINUXSERVER_APP,
    code: 'emulatorjs',
    name: 'EmulatorJS',
    description: 'Retro game emulation. The manager is at /manage; games in /data stay until the VM is deleted.',
    image: 'lscr.io/linuxserver/emulatorjs:latest',
    defaultPort: 80,
    volumes: [
      { name: 'primary', path: '/config' },
      { name: 'data', path: '/data' },
    ],
    // The manager links to its assets relatively and to its file browser absolutely: it is told where it lives (index.js, README).
    env: { ...LINUXSERVER_APP.env, SUBFOLDER: '/manage/' },
    routes: [{ path: '/manage', port: 3000, protocol: 'http' }],
    deprecated: 'linuxserver.io no longer builds this image; it names gaseous-server, romm and webrcade as successors.',
  },
  {
    ...LINUXSERVER_APP,
    code: 'phpmyadmin',
    name: 'phpMyAdmin',
    description: 'MySQL and MariaDB administration; sign in with the account of your database.',
    image: 'lscr.io/linuxserver/phpmyadmin:latest',
    localImage: 'local/phpmyadmin:latest',
    defaultPort: 80,
    // Without it there is no server to connect to.
    env: { ...LINUXSERVER_APP.env, PMA_ARBITRARY: '1' },
  },
  {
    ...SELKIES_DESKTOP,
    code: 'krita',
    name: 'Krita',
    description: 'Krita, digital painting. The image exists for amd64 only.',
    image: 'lscr.io/linuxserver/krita:latest',
    localImage: 'local/krita:latest',
    architectures: ['amd64'],
  },
  {
    ...SELKIES_DESKTOP,
    code: 'steamos',
    name: 'SteamOS',
    description: 'A SteamOS-like environment with ports that you may forward. Needs a GPU of AMD or Intel at /dev/dri.',
    image: 'lscr.io/linuxserver/steamos:latest',
    architectures: ['amd64'],
    // Still KasmVNC: at its WebSocket, only one that opens is answered. What serves its page is started after the desktop's server.
    probe: { path: '/', signIn: 'basic', expect: 'answer' },
    portForwarding: true,
    ports: [
      ...tcpAndUdp(27031, 27036),
      { from: 47984, to: 47990, protocol: 'tcp' },
      { from: 48010, to: 48010, protocol: 'tcp' },
      { from: 47998, to: 48000, protocol: 'udp' },
    ],
    // What its page asks for: Steam's own sandbox and network set-up do not start without.
    seccomp: 'unconfined',
    devices: ['/dev/dri'],
    // Its NET_ADMIN is for HOST_IP alone, which moves the container's route onto the operator's own network.
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
    description: 'Minecraft server management: web interface on the VM\'s address, game servers on port 25565. Sign in as "mc".',
    image: 'hexparrot/mineos:latest',
    defaultPort: 8443,
    scheme: 'https',
    volumes: [{ name: 'primary', path: '/var/games/minecraft' }],
    passwordVariables: ['USER_PASSWORD'],
    env: { USER_NAME: 'mc', USER_UID: '1000', GROUP_NAME: 'mc', GROUP_GID: '1000' },
    routes: [{ path: '/minecraft', port: 25565, protocol: 'tcp' }],
    ports: tcpAndUdp(25565, 25570),
    // Worlds are saved at the stop; killed too early they may be corrupt (the image's compose file).
    stopGraceSeconds: 600,
    bootSeconds: 300,
    pidsLimit: 2048,
  },
];
