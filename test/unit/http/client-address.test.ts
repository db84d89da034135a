import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { clientAddress } from '../../../src/http/request/client-address.ts';
import { parseNetworks } from '../../../src/config/parse-networks.ts';

/** What `clientAddress` reads of a request. */
function requestOf(remoteAddress: string | undefined, forwardedFor?: string): IncomingMessage {
  return {
    socket: { remoteAddress },
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
  } as IncomingMessage;
}

it.each([
  ['no proxy is trusted', '', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['no proxy is trusted, loopback neither', '', '127.0.0.1', '198.51.100.1', '127.0.0.1'],
  ['a trusted proxy says nothing', '10.0.0.0/8', '10.1.2.3', undefined, '10.1.2.3'],
  ['a trusted proxy speaks', '10.0.0.0/8', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['a trusted proxy speaks, its socket an IPv6 one', '10.0.0.0/8', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['the client wrote an entry itself', '10.0.0.0/8', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
  ['two proxies are trusted', '10.0.0.0/8,192.0.2.7', '10.1.2.3', '1.1.1.1, 198.51.100.1, 192.0.2.7', '198.51.100.1'],
  ['all there are are trusted', '10.0.0.0/8', '10.1.2.3', '10.9.9.9, 10.8.8.8', '10.9.9.9'],
  ['an entry is no address', '10.0.0.0/8', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
  ['an entry has a port', '10.0.0.0/8', '10.1.2.3', '198.51.100.1:4711', '10.1.2.3'],
  ['an entry is empty', '10.0.0.0/8', '10.1.2.3', '198.51.100.1,', '10.1.2.3'],
  ['the proxy is an IPv6 one', '2001:db8::/32', '2001:db8::1', '2001:DB9::2', '2001:db9::2'],
  ['the peer is one by IPv4 in IPv6', '', '::ffff:203.0.113.9', undefined, '203.0.113.9'],
  ['the peer is link-local', '', 'fe80::1%eth0', undefined, 'fe80::1'],
  ['the peer has left', '10.0.0.0/8', undefined, '198.51.100.1', 'unknown'],
])('%s', (_what, trusted, peer, forwardedFor, expected) => {
  expect(clientAddress(requestOf(peer, forwardedFor), parseNetworks(trusted))).toBe(expected);
});

it.each([
  '10.0.0.0/33',
  '10.0.0/8',
  '2001:db8::/129',
  'proxy.internal',
  '10.0.0.1/8/8',
  '10.0.0.1/',
  '10.0.0.1/-1',
  '10.0.0.1/1e1',
])('%s is no network', (entry) => {
  expect(() => parseNetworks(`127.0.0.1, ${entry}`)).toThrow(`"${entry}" is neither an address nor a network`);
});
