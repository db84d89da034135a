import { expect, it } from 'vitest';
import { isAllowedOrigin } from '../../src/graphql/transports/allowed-origin.ts';

const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

it.each([
  ['a client that is no browser', undefined, 'swiftor.io', [], true],
  ['a page of the same host', 'https://swiftor.io', 'swiftor.io', [], true],
  ['a page of the same host and port', 'http://localhost:4000', 'localhost:4000', [], true],
  ['a page of the same IP', 'http://10.0.0.5:4000', '10.0.0.5:4000', [], true],
  ['the base domain, seen through an IP', 'https://swiftor.io', '127.0.0.1:4000', [], true],
  ['the base domain with another scheme', 'http://swiftor.io', '127.0.0.1:4000', [], false],
  ['another port', 'http://localhost:30001', 'localhost:4000', [], false],
  ["a VM's page", `https://${VM}.swiftor.io`, 'swiftor.io', [], false],
  ["a mapping's page", `https://app-${VM}.swiftor.io`, 'swiftor.io', [], false],
  ["a mapping's page, dotted", `https://app.${VM}.swiftor.io`, 'swiftor.io', [], false],
  ['a domain that ends alike', 'https://evilswiftor.io', 'swiftor.io', [], false],
  ['a domain that begins alike', 'https://swiftor.io.evil.example', 'swiftor.io', [], false],
  ['a user name alike', 'https://swiftor.io@evil.example', 'swiftor.io', [], false],
  ['a page without an origin', 'null', 'swiftor.io', [], false],
  ['nothing', '', 'swiftor.io', [], false],
  ['no Host', 'https://evil.example', undefined, [], false],
  ['an app that is named', 'https://app.example.org', 'swiftor.io', ['https://app.example.org'], true],
  [
    'an app that is named with another port',
    'https://app.example.org:8443',
    'swiftor.io',
    ['https://app.example.org'],
    false,
  ],
  ['anything where all are allowed', `https://${VM}.swiftor.io`, 'swiftor.io', ['*'], true],
] as const)('%s', (_what, origin, host, allowed, expected) => {
  expect(
    isAllowedOrigin(origin, host, { allowed: new Set(allowed), publicScheme: 'https', baseDomain: 'swiftor.io' }),
  ).toBe(expected);
});
