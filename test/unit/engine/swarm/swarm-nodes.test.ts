import { expect, it } from 'vitest';
import type { IsolationState } from '../../../../src/engine/engine-reports.ts';
import { mergeStates } from '../../../../src/engine/cluster/nodes/node-conditions.ts';
import { EngineError } from '../../../../src/engine/engine-error.ts';
import { toSwarmError } from '../../../../src/engine/swarm/swarm-manager.ts';
import { toNodeInfo, type SwarmNode } from '../../../../src/engine/swarm/swarm-nodes.ts';

const NODE: SwarmNode = {
  ID: 'id',
  Spec: { Availability: 'active', Labels: { region: 'AU' } },
  Description: { Hostname: 'n1' },
  Status: { State: 'ready', Addr: '10.0.0.1' },
};

it.each<[string, SwarmNode, string]>([
  ['a worker', NODE, '10.0.0.1'],
  [
    'a manager',
    { ...NODE, Status: { State: 'ready', Addr: '0.0.0.0' }, ManagerStatus: { Addr: '10.0.0.2:2377' } },
    '10.0.0.2',
  ],
  ['a manager with IPv6', { ...NODE, ManagerStatus: { Addr: '[fd00::2]:2377' } }, 'fd00::2'],
])('the address of %s is the one that other nodes reach', (_what, node, host) => {
  expect(toNodeInfo(node, undefined).host).toBe(host);
});

it.each([
  [{}, '10.0.0.1'],
  [{ 'swiftor.host': 'au1.example.com' }, 'au1.example.com'],
])('the public ports of a node with the labels %j are at %s', (Labels, publicHost) => {
  const node = { ...NODE, Spec: { ...NODE.Spec, Labels } } as SwarmNode;
  expect(toNodeInfo(node, undefined).publicHost).toBe(publicHost);
});

it.each([
  [undefined, true],
  ['AU', true],
  ['US', false],
])('a node of AU is one of the region %s: %s', (region, isOurs) => {
  expect(toNodeInfo(NODE, region)).toMatchObject({ isOurs, isReady: true, name: 'n1', availability: 'active' });
});

it.each([
  ['ready', true],
  // By a leader that has just been elected.
  ['unknown', true],
  ['down', false],
  ['disconnected', false],
])('a node that Swarm calls %s is ready: %s', (State, isReady) => {
  expect(toNodeInfo({ ...NODE, Status: { State } }, undefined).isReady).toBe(isReady);
});

it.each<[IsolationState[], IsolationState]>([
  [['isolated', 'isolated'], 'isolated'],
  [['isolated', 'open'], 'open'],
  [['isolated', { unheld: ['keys'] }, { unheld: ['keys', 'pids'] }], { unheld: ['keys', 'pids'] }],
  [[], 'isolated'],
])('the isolation of nodes in the states %j is %j', (states, expected) => {
  expect(mergeStates(states)).toEqual(expected);
});

it('a swarm without a leader is told in a sentence, any other refusal as it is', () => {
  const refusal = new EngineError('ENGINE_REFUSED', 'The swarm does not have a leader. It is possible that …');
  expect(toSwarmError(refusal)).toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    message: expect.stringMatching(/no leader/),
  });
  const other = new EngineError('ENGINE_REFUSED', 'no');
  expect(toSwarmError(other)).toBe(other);
});
