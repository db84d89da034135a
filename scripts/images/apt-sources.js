const DEFAULT_MIRROR = 'http://deb.debian.org/debian';
const DEFAULT_SECURITY_MIRROR = 'http://deb.debian.org/debian-security';

/**
 * The source lines of a Debian of that suite, from this machine's own mirrors. `indexTargets` is what apt-get prints of its
 * package lists, a line each: address|release|component. Another release's mirror has this one too; other systems' have not.
 */
export function toSourceLines(indexTargets, suite, isDebian) {
  const targets = indexTargets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([address, , component]) => /^https?:/.test(address) && component === 'main' && isDebian)
    // What else a machine has sources for has suites of other names.
    .filter(([, release]) => /^(bookworm|trixie|forky|sid|(old)?stable|testing|unstable)(-(updates|security))?$/.test(release));
  const find = (fits) => targets.find(([, release]) => fits(release))?.[0].replace(/\/$/, '');
  const main = find((release) => release === suite) ?? find((release) => !release.includes('-')) ?? DEFAULT_MIRROR;
  const security = find((release) => release.endsWith('-security')) ?? DEFAULT_SECURITY_MIRROR;
  return [`deb ${main} ${suite} main`, `deb ${main} ${suite}-updates main`, `deb ${security} ${suite}-security main`];
}

const KEPT = /^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) "(.+)";$/;

/** What of this machine's apt settings, as `apt-config dump` prints them, its mirrors cannot be used without. */
export function toAptOptions(configDump) {
  // A proxy on this machine's loopback is no one's from within a container.
  return configDump
    .split('\n')
    .filter((line) => KEPT.test(line) && !/\/\/(localhost|127\.|\[::1\])/.test(line))
    .map((line) => line.replace(/;$/, ''));
}
