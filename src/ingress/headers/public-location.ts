const WITH_AUTHORITY = /^(https?):\/\/([^/?#]*)(.*)$/is;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * The Location for the client: one at the requested host and the app's own port, as nginx writes it by default, leads
 * to the same path of the public address. All others are unchanged.
 */
export function publicLocation(
  location: string,
  { host, appPort }: { readonly host: string; readonly appPort: number },
): string {
  const [, scheme = '', authority = '', rest = ''] = WITH_AUTHORITY.exec(location) ?? [];
  const [, name = '', port] = /^(.*?)(?::(\d*))?$/s.exec(authority.toLowerCase()) ?? [];
  const requested = host.toLowerCase();
  if (name === '' || name !== requested.replace(/:\d*$/, '') || authority.toLowerCase() === requested) return location;
  if (Number(port || DEFAULT_PORTS[scheme.toLowerCase()]) !== appPort) return location;
  if (rest.startsWith('//')) return `//${host}${rest}`;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
