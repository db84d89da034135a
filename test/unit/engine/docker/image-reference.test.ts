import { expect, it } from 'vitest';
import { digestIn, listedReference, referenceByDigest, registryOf } from '../../../../src/engine/image-reference.ts';

it.each([
  ['busybox', 'docker.io', 'busybox:latest'],
  ['docker.io/library/busybox:1', 'docker.io', 'busybox:1'],
  ['index.docker.io/hexparrot/mineos', 'docker.io', 'hexparrot/mineos:latest'],
  ['hexparrot/mineos:1', 'docker.io', 'hexparrot/mineos:1'],
  ['lscr.io/linuxserver/kali-linux:latest', 'lscr.io', 'lscr.io/linuxserver/kali-linux:latest'],
  ['localhost/app', 'localhost', 'localhost/app:latest'],
  ['127.0.0.1:5000/app:2', '127.0.0.1:5000', '127.0.0.1:5000/app:2'],
  ['registry.example/app:2@sha256:ab', 'registry.example', 'registry.example/app@sha256:ab'],
])('%s is of the registry %s, and listed as %s', (reference, registry, listed) => {
  expect([registryOf(reference), listedReference(reference)]).toEqual([registry, listed]);
});

it('an image is asked for by the digest that its registry knows it by', () => {
  const digests = ['mirror.example/app@sha256:1', 'hexparrot/mineos@sha256:2'];
  expect(digestIn(digests, 'docker.io/hexparrot/mineos:latest')).toBe('sha256:2');
  expect(digestIn(digests, 'registry.example/app:1')).toBeUndefined();
  expect(referenceByDigest('mirror.example/app:1', 'sha256:1')).toBe('mirror.example/app@sha256:1');
});
