import { describe, expect, it } from 'vitest';
import { agentContainer, nextAgentStep } from '../../../../src/engine/swarm/agent/agent-container.ts';

describe('the agent of a node', () => {
  it.each([
    ['none', undefined, 'create'],
    ['one of another image or settings', { isRunning: true, hash: 'other' }, 'replace'],
    ['a foreign container of its name', { isRunning: true, hash: undefined }, 'replace'],
    ['one that has stopped', { isRunning: false, hash: 'wanted' }, 'start'],
    ['one that runs', { isRunning: true, hash: 'wanted' }, 'none'],
  ] as const)('with %s', (_what, found, step) => {
    expect(nextAgentStep(found, 'wanted')).toBe(step);
  });

  it('has another hash with each setting', () => {
    const settings = { imageId: 'sha256:1', certificates: '/certificates', leaveAfter: '1h' };
    const changes = [{}, { imageId: 'sha256:2' }, { certificates: '/others' }, { leaveAfter: '2h' }];
    expect(new Set(changes.map((change) => agentContainer({ ...settings, ...change }).hash)).size).toBe(4);
  });

  it('has nothing of the node but the engine, and the certificates to read', () => {
    const { HostConfig } = agentContainer({ imageId: 'sha256:1', certificates: '/c', leaveAfter: '1h' }).body;
    expect(HostConfig).toMatchObject({ CapDrop: ['ALL'], ReadonlyRootfs: true, SecurityOpt: ['no-new-privileges'] });
    expect(HostConfig.Binds).toEqual(['/var/run/docker.sock:/var/run/docker.sock', '/c:/run/swarm-certificates:ro']);
  });
});
