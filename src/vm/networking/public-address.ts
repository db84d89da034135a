import type { Config } from '../../config/config.ts';
import type { PublicAddress } from './mapping.ts';

/**
 * The public base address of VMs. On localhost it has the port that the gateway listens on, unless that is the scheme's
 * default; any other domain is assumed to be behind a proxy on the default port.
 */
export function publicAddress(
  { publicScheme, baseDomain }: Pick<Config, 'publicScheme' | 'baseDomain'>,
  port: number,
): PublicAddress {
  const isLocal = baseDomain === 'localhost' || baseDomain.endsWith('.localhost');
  const defaultPort = publicScheme === 'https' ? 443 : 80;
  return { scheme: publicScheme, domain: baseDomain, ...(isLocal && port !== defaultPort && { port }) };
}
