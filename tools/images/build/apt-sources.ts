/**
 * The source lines of a Debian of that suite, from this machine's own mirrors. `indexTargets` is what apt-get prints of
 * its package lists, a line each: address|release|component. Another release's mirror has this one too; other systems'
 * have not. None where this machine has no mirror of Debian: mmdebstrap knows Debian's own.
 */
export function toSourceLines(indexTargets: string, suite: string, isDebian: boolean): readonly string[] {
  const targets = indexTargets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([address = '', , component]) => /^https?:/.test(address) && component === 'main' && isDebian)
    // What else a machine has sources for has suites of other names.
    .filter(([, release = '']) =>
      /^(bookworm|trixie|forky|sid|(old)?stable|testing|unstable)(-(updates|security))?$/.test(release),
    );
  const find = (fits: (release: string) => boolean) =>
    targets.find(([, release = '']) => fits(release))?.[0]?.replace(/\/$/, '');
  const main = find((release) => release === suite) ?? find((release) => !release.includes('-'));
  if (main === undefined) return [];
  const security = find((release) => release.endsWith('-security'));
  return [
    `deb ${main} ${suite} main`,
    `deb ${main} ${suite}-updates main`,
    ...(security === undefined ? [] : [`deb ${security} ${suite}-security main`]),
  ];
}

const KEPT = /^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) "(.+)";$/;

/** What of this machine's apt settings, as `apt-config dump` prints them, its mirrors cannot be used without. */
export function toAptOptions(configDump: string): readonly string[] {
  // A proxy on this machine's loopback is no one's from within a container.
  return configDump
    .split('\n')
    .filter((line) => KEPT.test(line) && !/\/\/(localhost|127\.|\[::1\])/.test(line))
    .map((line) => line.replace(/;$/, ''));
}
