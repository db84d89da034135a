import { remember } from '../lib/remember.ts';

/** What a header's name says of it. */
export interface HeaderTraits {
  readonly lower: string;
  /** It may be a name at all. */
  readonly isToken: boolean;
  /** Between two neighbours, not for who comes after them. */
  readonly isHopByHop: boolean;
  /** Claims who forwarded the request. */
  readonly isClaim: boolean;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** The traits of a name in any case. The same few names come with each message. */
export const headerTraits = remember((name): HeaderTraits => {
  const lower = name.toLowerCase();
  return { lower, isToken: TOKEN.test(name), isHopByHop: HOP_BY_HOP.has(lower), isClaim: isClaimOfForwarding(lower) };
}, 1_000);

function isClaimOfForwarding(name: string): boolean {
  // CGI-style servers read X_Forwarded_For and X-Forwarded-For as one variable; `Proxy` becomes their HTTP_PROXY.
  const dashed = name.includes('_') ? name.replaceAll('_', '-') : name;
  return dashed === 'forwarded' || dashed === 'x-real-ip' || dashed === 'proxy' || dashed.startsWith('x-forwarded');
}
