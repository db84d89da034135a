import { expect, it } from 'vitest';
import { credentialsFor } from '../../../../src/engine/docker/images/registry-credentials.ts';

const basic = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64');
const FILE = JSON.stringify({
  auths: {
    'registry.example:5000': { auth: basic('alice', 'a:b:c') },
    'https://index.docker.io/v1/': { auth: basic('hub', 'secret') },
    'https://plain.example/v2/': { username: 'bob', password: 'x' },
    'token.example': { auth: basic('<token>', ''), identitytoken: 'long' },
    'empty.example': {},
  },
  credsStore: 'desktop',
});

it.each([
  ['registry.example:5000', { username: 'alice', password: 'a:b:c', serveraddress: 'registry.example:5000' }],
  ['docker.io', { username: 'hub', password: 'secret', serveraddress: 'https://index.docker.io/v1/' }],
  ['plain.example', { username: 'bob', password: 'x', serveraddress: 'https://plain.example/v2/' }],
  ['token.example', { username: '', password: '', serveraddress: 'token.example', identitytoken: 'long' }],
  ['registry.example', undefined],
  ['example', undefined],
])('the credentials for %s are those of its own host alone', (registry, found) => {
  expect(credentialsFor(registry, FILE)).toEqual(found);
});

it.each([
  ['empty.example', FILE, /"empty\.example" has neither/],
  ['a', '{"auths": "secret-text"}', /must be \{"auths"/],
  ['a', '{"auths": secret-text}', /is not JSON\.$/],
])('for %s of %j it says what is wrong, and no secret', (registry, text, message) => {
  expect(() => credentialsFor(registry, text)).toThrow(message);
  expect(() => credentialsFor(registry, text)).not.toThrow(/secret-text/);
});
