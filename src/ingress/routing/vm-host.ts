import { isIPv4, isIPv6 } from 'node:net';
import { isUuid } from '../../lib/is-uuid.ts';
import { MAPPING_NAME } from '../../vm/networking/mapping.ts';

/**
 * The owner of a host: the gateway's API, a VM (`name` is a mapping's, undefined for the VM's own address), or none.
 */
export type HostMatch =
  | { readonly kind: 'api' }
  | { readonly kind: 'vm'; readonly vmId: string; readonly name: string | undefined }
  | { readonly kind: 'foreign' };

const FOREIGN: HostMatch = { kind: 'foreign' };
const API: HostMatch = { kind: 'api' };

const ID_LENGTH = 36;
// Applied before lower-casing, which turns some letters outside ASCII (the Kelvin sign) into ASCII ones.
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$/;

/**
 * Parses a Host header. A VM's host is `{id}.`, `{name}-{id}.` or `{name}.{id}.` under `baseDomain`; the API's is
 * `baseDomain` itself, `localhost` and any IP literal. The port is ignored. Anything else is foreign, never an error.
 */
export function parseVmHost(hostHeader: string | undefined, baseDomain: string): HostMatch {
  const [, written, port] = HOST.exec(hostHeader ?? '') ?? [];
  if (written === undefined || Number(port ?? 0) > 65_535) return FOREIGN;
  if (written.startsWith('[')) return isIPv6(written.slice(1, -1)) ? API : FOREIGN;

  const host = withoutTrailingDot(written.toLowerCase());
  const base = withoutTrailingDot(baseDomain.toLowerCase());
  if (host === base || host === 'localhost' || isIPv4(host)) return API;
  return host.endsWith(`.${base}`) ? parseLabels(host.slice(0, -base.length - 1)) : FOREIGN;
}

function parseLabels(prefix: string): HostMatch {
  const labels = prefix.split('.');
  const last = labels.pop() ?? '';
  // The last 36 characters are the id; a name may contain hyphens, too.
  const vmId = last.slice(-ID_LENGTH);
  const before = last.slice(0, -ID_LENGTH);
  if (!isUuid(vmId)) return FOREIGN;

  const [label, ...more] = labels;
  if (more.length > 0) return FOREIGN;
  if (label !== undefined)
    return before === '' && MAPPING_NAME.test(label) ? { kind: 'vm', vmId, name: label } : FOREIGN;
  if (before === '') return { kind: 'vm', vmId, name: undefined };
  const name = before.slice(0, -1);
  return before.endsWith('-') && MAPPING_NAME.test(name) ? { kind: 'vm', vmId, name } : FOREIGN;
}

function withoutTrailingDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
