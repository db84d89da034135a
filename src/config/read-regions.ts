import { readFileSync } from 'node:fs';
import { errorCode } from '../lib/error-code.ts';
import type { Environment } from './environment.ts';
import { parseForwardHosts, parseRegions, parseRuntimes, refusePlainTcp, regionsOn } from './regions.ts';

/** The settings that say which regions there are. */
export type RegionSource = Pick<
  Environment,
  'REGIONS' | 'REGIONS_FILE' | 'DOCKER_HOST' | 'ALLOW_PLAIN_TCP' | 'RUNTIMES' | 'FORWARD_HOSTS' | 'BASE_DOMAIN'
>;

/** Without the secrets among the others. */
export function regionSourceOf(values: Environment): RegionSource {
  const { REGIONS, REGIONS_FILE, DOCKER_HOST, ALLOW_PLAIN_TCP, RUNTIMES, FORWARD_HOSTS, BASE_DOMAIN } = values;
  return { REGIONS, REGIONS_FILE, DOCKER_HOST, ALLOW_PLAIN_TCP, RUNTIMES, FORWARD_HOSTS, BASE_DOMAIN };
}

/** What is set by region, each by its code. */
export interface RegionSettings {
  /** The endpoints of the engines. */
  readonly regions: ReadonlyMap<string, string>;
  /** The container runtimes, such as runsc. Other regions use the engine's default. */
  readonly runtimes: ReadonlyMap<string, string>;
  /** The hosts that clients connect to for public ports. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** Reads them from the variables, and from REGIONS_FILE as it is now. Throws for what is wrong in either. */
export function readRegions(source: RegionSource): RegionSettings {
  const regions = regionsOf(source);
  if (source.ALLOW_PLAIN_TCP === '0') refusePlainTcp(regions);
  return {
    regions,
    runtimes: parseRuntimes(source.RUNTIMES, regions),
    hosts: parseForwardHosts(source.FORWARD_HOSTS, regions, source.BASE_DOMAIN),
  };
}

function regionsOf({ REGIONS, REGIONS_FILE, DOCKER_HOST }: RegionSource): ReadonlyMap<string, string> {
  if (REGIONS !== undefined && REGIONS_FILE !== undefined) throw new Error('Set REGIONS or REGIONS_FILE, not both.');
  if (REGIONS_FILE !== undefined) return parseRegions('REGIONS_FILE', entriesOf(readText(REGIONS_FILE)));
  return REGIONS === undefined ? regionsOn(DOCKER_HOST) : parseRegions('REGIONS', REGIONS);
}

/** The lines of the file as one list, without comments. */
function entriesOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => !line.startsWith('#')).join(',');
}

function readText(file: string): string {
  try {
    return new TextDecoder().decode(readFileSync(file));
  } catch (error) {
    throw new Error(`REGIONS_FILE "${file}" cannot be read: ${errorCode(error) ?? 'for an unknown reason'}.`, {
      cause: error,
    });
  }
}
