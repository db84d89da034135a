import { expect, it } from 'vitest';
import { isAllowedOrigin } from '../../../src/http/request/allowed-origin.ts';

const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

const RULE = {
  allowed: new Set<string>(),
  publicScheme: 'https',
  baseDomain: 'swiftor.io',
  loopbackExcept: undefined,
} as const;

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
  expect(isAllowedOrigin(origin, host, { ...RULE, allowed: new Set(allowed) })).toBe(expected);
});

it.each([
  ['http://localhost:5173', true],
  ['https://localhost', true],
  ['http://127.0.0.1:3000', true],
  ['http://[::1]:3000', true],
  ['http://localhost:29999', true],
  ['http://localhost:30000', false],
  ['http://127.0.0.1:30999', false],
  [`http://${VM}.localhost:4000`, false],
  ['http://localhost.evil.example', false],
  ['http://localhost@evil.example', false],
  ['http://10.0.0.5:3000', false],
])('outside production, a page of %s is allowed: %s', (origin, expected) => {
  const loopbackExcept = { from: 30_000, to: 30_999 };
  expect(isAllowedOrigin(origin, 'localhost:4000', { ...RULE, loopbackExcept })).toBe(expected);
  expect(isAllowedOrigin(origin, 'localhost:4000', RULE)).toBe(false);
});
