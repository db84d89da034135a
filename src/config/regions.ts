import { parseCodeMap } from './parse-code-map.ts';

const ENDPOINT = /^(?:(?:swarm\+)?(?:unix|tcp)|tls|ssh):\/\/\S+$/i;
const LOOPBACK = /^(?:swarm\+)?tcp:\/\/(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])[:/]/i;

/** Parses REGIONS or what is in REGIONS_FILE: region code to engine endpoint. */
export function parseRegions(variable: 'REGIONS' | 'REGIONS_FILE', text: string): ReadonlyMap<string, string> {
  const example = 'CODE=ENDPOINT, such as AU=unix:///var/run/docker.sock';
  const regions = parseCodeMap(text, { variable, value: ENDPOINT, example });
  if (regions.size === 0) throw new Error(`${variable} names no region.`);
  return regions;
}

/** The default regions, both on the engine at DOCKER_HOST. */
export function regionsOn(dockerHost: string): ReadonlyMap<string, string> {
  if (ENDPOINT.test(dockerHost)) return new Map(['AU', 'US'].map((code) => [code, dockerHost]));
  throw new Error('DOCKER_HOST must be unix://PATH, tls://HOST:PORT, ssh://USER@HOST or tcp://HOST:PORT.');
}

/** Throws for an engine that is reached over the network without TLS: anyone who can reach it has root there. */
export function refusePlainTcp(regions: ReadonlyMap<string, string>): void {
  for (const [code, endpoint] of regions) {
    if (!/^(swarm\+)?tcp:/i.test(endpoint) || LOOPBACK.test(endpoint)) continue;
    throw new Error(
      `The region "${code}" is at ${endpoint}, which anybody on the way can read and change. Use tls:// or ssh://, or ` +
        'set ALLOW_PLAIN_TCP=1 if that network is only yours.',
    );
  }
}

/** Parses RUNTIMES: region code to container runtime. */
export function parseRuntimes(text: string, regions: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return parseByRegion(text, regions, {
    variable: 'RUNTIMES',
    value: /^[\w.-]{1,100}$/,
    example: 'CODE=RUNTIME, such as AU=runsc',
  });
}

/**
 * Parses FORWARD_HOSTS: region code to the host that clients connect to. The default is the host of a remote engine, or
 * the base domain for a local one; none for a swarm, whose nodes have hosts of their own.
 */
export function parseForwardHosts(
  text: string,
  regions: ReadonlyMap<string, string>,
  baseDomain: string,
): ReadonlyMap<string, string> {
  const engines = [...regions].filter(([, endpoint]) => !/^swarm\+/i.test(endpoint));
  const own = engines.map(([code, endpoint]) => {
    const remote = /^(?:tcp|tls|ssh):\/\/(?:[^@/]*@)?(?:\[([^\]]+)\]|([^:/]+))/i.exec(endpoint);
    return [code, remote?.[1] ?? remote?.[2] ?? baseDomain] as const;
  });
  const example = 'CODE=HOST of a region, such as AU=play.example.com';
  return new Map([
    ...own,
    ...parseByRegion(text, regions, { variable: 'FORWARD_HOSTS', value: /^[\w.:-]+$/, example }),
  ]);
}

/** Parses a setting by region. Throws for unknown regions. */
function parseByRegion(
  text: string,
  regions: ReadonlyMap<string, string>,
  options: Parameters<typeof parseCodeMap>[1],
): ReadonlyMap<string, string> {
  const values = parseCodeMap(text, options);
  const unknown = [...values.keys()].find((code) => !regions.has(code));
  if (unknown === undefined) return values;
  throw new Error(
    `${options.variable} names the region "${unknown}", which is not in REGIONS: ${[...regions.keys()].join(', ')}.`,
  );
}
