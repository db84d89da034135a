import type { Distribution } from '../../catalog/distribution.ts';

/**
 * Variables that a tenant must not set, grouped by what reads them. They do not configure an app: they decide how every
 * program in the container is loaded, what its root does at boot, or whether the gateway still reaches it.
 */
const RESERVED: readonly RegExp[] = [
  // The system: where programs are found, the user, the loader and the C library.
  /^(PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|HOSTNAME|LD_.*|DYLD_.*|GLIBC_.*|MALLOC_.*|GCONV_PATH|LOCPATH|NLSPATH|TZDIR)$/,
  /^(HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_.*)$/,
  // Shells, also those of boot scripts: files read first, word splitting, commands run between others.
  /^(IFS|ENV|BASH_[A-Z_]*|BASHOPTS|SHELLOPTS|CDPATH|GLOBIGNORE|POSIXLY_CORRECT|PROMPT_COMMAND|PS[0-4]|ZDOTDIR)$/,
  // Interpreters and tools that boot scripts run: these load a tenant's code first.
  /^(NODE_OPTIONS|NODE_PATH|PYTHON(STARTUP|PATH|HOME|INSPECT|USERBASE|BREAKPOINT|EXECUTABLE|PLATLIBDIR))$/,
  /^(PERL5.*|PERLLIB|RUBYOPT|RUBYLIB|GEM_(HOME|PATH)|GIT_(SSH|EXEC_PATH|EXTERNAL|ASKPASS|TEMPLATE).*|OPENSSL_(CONF|ENGINES|MODULES))$/,
  // linuxserver.io's images and s6-overlay: scripts downloaded and run as root, files read as root, users, ports.
  /^(DOCKER_MODS.*|FILE__.*|S6_.*|LSIO_.*|PUID|PGID|UMASK|INSTALL_(PIP_)?PACKAGES|WITH_CONTAINERENV|START_DOCKER|ATTACHED_DEVICES_PERMS)$/,
  // Their desktops (Selkies, earlier KasmVNC): addresses, sign-in, hardening, remote commands.
  /^(CUSTOM_(USER|PORT|HTTPS_PORT|WS_PORT|VNC_PORT)|SUBFOLDER|DISABLE_(SUDO|IPV6|ZINK|DRI.*)|HARDEN_.*|SELKIES_.*|KASM.*|VNC(OPTIONS|_PORT|_PW)|PIXELFLUX_.*)$/,
  /^(DISPLAY|WAYLAND_DISPLAY|XDG_RUNTIME_DIR|DRINODE|DRI_NODE|AUTO_GPU)$/,
  // A second password beside VM_PASSWORD.
  /^(HASHED_PASSWORD|SUDO_PASSWORD_HASH)$/,
];

/** Variables that the catalog sets and a tenant may override. */
const OVERRIDABLE: ReadonlySet<string> = new Set(['TZ', 'LANG', 'LC_ALL', 'TITLE']);

/** Why a secret must not have this name, as the end of a sentence; undefined if it may. Without an image: in any VM. */
export function whyReserved(
  key: string,
  image?: Pick<Distribution, 'name' | 'env' | 'passwordVariables'>,
): string | undefined {
  if (RESERVED.some((pattern) => pattern.test(key)))
    return 'is reserved: the image or its loader gives it a meaning of its own.';
  if (image?.passwordVariables.includes(key) === true) {
    return `is reserved: the sign-in of ${image.name} takes it from VM_PASSWORD; set that one.`;
  }
  if (image !== undefined && Object.hasOwn(image.env, key) && !OVERRIDABLE.has(key)) {
    return `is reserved: the catalog sets it for ${image.name}.`;
  }
  return undefined;
}
