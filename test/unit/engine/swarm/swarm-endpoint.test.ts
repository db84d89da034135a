import { expect, it } from 'vitest';
import { parseSwarmEndpoint } from '../../../../src/engine/swarm/swarm-endpoint.ts';

it.each([
  ['swarm+unix:///run/docker.sock', { manager: 'unix:///run/docker.sock', region: undefined, cpuOvercommit: 4 }],
  ['swarm+tcp://10.0.0.7:2375', { manager: 'tcp://10.0.0.7:2375', region: undefined, cpuOvercommit: 4 }],
  [
    'swarm+unix:///run/docker.sock?region=AU&cpu-overcommit=1.5',
    { manager: 'unix:///run/docker.sock', region: 'AU', cpuOvercommit: 1.5 },
  ],
])('%s is a swarm', (text, expected) => {
  expect(parseSwarmEndpoint(text)).toEqual(expected);
});

it.each(['unix:///run/docker.sock', 'tcp://10.0.0.7:2375', 'swarm+ssh://me@host', 'swarm://'])('%s is none', (text) => {
  expect(parseSwarmEndpoint(text)).toBeUndefined();
});

it.each([
  ['?regoin=AU', /"regoin" is no parameter of a swarm/],
  ['?region=', /"region" of a swarm must be a label/],
  ['?region=A%20U', /"region" of a swarm must be a label/],
  ['?cpu-overcommit=0', /"cpu-overcommit" of a swarm must be a number/],
  ['?cpu-overcommit=many', /"cpu-overcommit" of a swarm must be a number/],
])('the query %s is refused', (query, message) => {
  expect(() => parseSwarmEndpoint(`swarm+unix:///run/docker.sock${query}`)).toThrow(message);
});
