import { expect, it } from 'vitest';
import {
  MAPPING_NAME,
  mappingSubdomain,
  mappingUrl,
  vmUrl,
  type PublicAddress,
} from '../../../src/vm/networking/mapping.ts';

const ID = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const PUBLIC: PublicAddress = { scheme: 'https', domain: 'swiftor.io' };
const LOCAL: PublicAddress = { scheme: 'http', domain: 'localhost', port: 4000 };

it("a VM's own address is its id under the domain", () => {
  expect(vmUrl(PUBLIC, ID)).toBe(`https://${ID}.swiftor.io`);
  expect(vmUrl(LOCAL, ID)).toBe(`http://${ID}.localhost:4000`);
});

it("a mapping's address is one label under the domain", () => {
  expect(mappingUrl(PUBLIC, ID, 'myapp')).toBe(`https://myapp-${ID}.swiftor.io`);
  expect(mappingUrl(LOCAL, ID, 'myapp')).toBe(`http://myapp-${ID}.localhost:4000`);
});

it("a mapping's dotted form is a name without scheme and port", () => {
  expect(mappingSubdomain(PUBLIC, ID, 'myapp')).toBe(`myapp.${ID}.swiftor.io`);
  expect(mappingSubdomain(LOCAL, ID, 'myapp')).toBe(`myapp.${ID}.localhost`);
});

it.each(['a', '7', 'my-app', 'a--b', 'xn-a', '0-0', 'x'.repeat(26)])(
  '"%s" is a valid name, and its address a valid host',
  (name) => {
    expect(name).toMatch(MAPPING_NAME);
    const { hostname } = new URL(mappingUrl(PUBLIC, ID, name));
    expect(hostname).toBe(`${name}-${ID}.swiftor.io`);
    for (const label of hostname.split('.')) expect(label.length).toBeLessThanOrEqual(63);
  },
);

it('the longest name fills its label to the last octet', () => {
  expect(`${'x'.repeat(26)}-${ID}`).toHaveLength(63);
});

it.each(['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a b', 'ä', 'a\n', '\na', 'a/b', 'x'.repeat(27), 'xn--pple-43d'])(
  '%j is not a valid name',
  (name) => {
    expect(name).not.toMatch(MAPPING_NAME);
  },
);
