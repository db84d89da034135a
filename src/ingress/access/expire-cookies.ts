import { isOwnCookie } from './own-cookies.ts';

/** Browsers accept 256 KiB of headers, and some proxies far less. */
const MAX_COOKIES = 200;
const MAX_NAME = 128;

/**
 * Values of Set-Cookie that delete the cookies named in (a part of) a request's head, but for the gateway's own: those
 * of the host, and those for all of `baseDomain`.
 */
export function expireCookies(head: string, baseDomain: string): string[] {
  const header = /^cookie:(.*)$/im.exec(head)?.[1] ?? '';
  const names = header.split(';').map((pair) => (pair.split('=')[0] ?? '').trim());
  const foreign = [...new Set(names)].filter((name) => isToken(name) && !isOwnCookie(name));
  return foreign
    .slice(0, MAX_COOKIES)
    .flatMap((name) => ['', `; Domain=${baseDomain}`].map((domain) => `${name}=; Path=/; Max-Age=0${domain}`));
}

function isToken(name: string): boolean {
  return name.length <= MAX_NAME && /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}
