/** Attributes of a cookie that name a domain. */
const DOMAIN = /;\s*domain\s*=([^;]*)/gi;

/**
 * Whether browsers send the cookie (`name=value; attributes`) to addresses of this VM only: it has no Domain, or one
 * that names the host itself or the VM's own address.
 */
export function staysWithinVm(
  cookie: string,
  { host, vmId }: { readonly host: string; readonly vmId: string },
): boolean {
  const own = host.toLowerCase().replace(/\.?(:\d*)?$/, '');
  // Browsers take the last Domain, but not all ignore the same ones.
  return [...cookie.matchAll(DOMAIN)].every(([, value = '']) => {
    const domain = value.trim().toLowerCase().replace(/^\./, '');
    return domain === '' || domain === own || (own.endsWith(`.${domain}`) && domain.startsWith(`${vmId}.`));
  });
}
