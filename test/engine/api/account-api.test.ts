import { describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const gateway = useGateway();

describe('what the dashboard asks before and after a VM', () => {
  it('violations say what a VM of a size would exceed, and do not count the VM that gets the size', async () => {
    const token = await gateway.token('sizes', { plan: 'core' });
    const ask = async (args: string): Promise<string[]> => {
      const query = `{ me { violations(${args}) { dimension } } }`;
      const { data } = await gateway.graphql<{ me: { violations: { dimension: string }[] } }>(token, query);
      return data?.me.violations.map(({ dimension }) => dimension) ?? ['no answer'];
    };
    expect(await ask('cpu: 1, ram: 2')).toEqual([]);
    expect(await ask('cpu: 2, ram: 4')).toEqual(['CPU', 'RAM']);
    const id = await createVm(gateway, token, { cpu: 1, ram: 2 });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    expect(await ask('cpu: 1, ram: 2')).toEqual(['CPU', 'RAM', 'CONCURRENT_VMS']);
    expect(await ask(`cpu: 1, ram: 2, without: "${id}"`)).toEqual([]);
  });

  it('one secret is read by its key, which the audit records, and its owner alone gets it', async () => {
    const token = await gateway.token('one-secret');
    const id = await createVm(gateway, token, { password: 'of the owner' });
    const query = 'query ($id: ID!, $key: String!) { vm(id: $id) { secret(key: $key) { key value } } }';
    const read = (key: string, as = token) => gateway.graphql(as, query, { id, key });
    expect((await read('VM_PASSWORD')).data).toEqual({
      vm: { secret: { key: 'VM_PASSWORD', value: 'of the owner' } },
    });
    expect((await read('NOTHING')).data).toEqual({ vm: { secret: null } });
    expect((await read('VM_PASSWORD', await gateway.token('stranger'))).data).toEqual({ vm: null });
    expect(await gateway.graphql(token, '{ me { audit(actions: []) { nodes { count } } } }')).toEqual({
      data: { me: { audit: { nodes: [] } } },
    });
    const { data } = await gateway.graphql(token, '{ me { audit(actions: [SECRETS_READ]) { nodes { count } } } }');
    expect(data).toEqual({ me: { audit: { nodes: [{ count: 2 }] } } });
  });

  it('the audit is filtered by VM and by action', async () => {
    const token = await gateway.token('filters');
    const [one] = [await createVm(gateway, token), await createVm(gateway, token)];
    await gateway.graphql(token, 'mutation ($id: ID!) { deleteVm(id: $id) }', { id: one });
    const actions = async (filter: string): Promise<string[]> => {
      const query = `{ me { audit(${filter}) { nodes { action } } } }`;
      const { data } = await gateway.graphql<{ me: { audit: { nodes: { action: string }[] } } }>(token, query);
      return data?.me.audit.nodes.map(({ action }) => action) ?? ['no answer'];
    };
    expect(await actions(`vmId: "${one}"`)).toEqual(['VM_DELETED', 'VM_CREATED']);
    expect(await actions('actions: [VM_CREATED]')).toEqual(['VM_CREATED', 'VM_CREATED']);
    expect(await actions(`vmId: "${one}", actions: [VM_DELETED]`)).toEqual(['VM_DELETED']);
    expect(await actions('vmId: "no id"')).toEqual([]);
  });

  it('a region says why VMs cannot start there, and how its images get there', async () => {
    const token = await gateway.token('regions');
    const query = '{ regions { available problem } distributions { code availability(region: "AU") } }';
    const { data } = await gateway.graphql<{
      regions: { available: boolean; problem: string | null }[];
      distributions: { code: string; availability: string }[];
    }>(token, query);
    expect(data?.regions).not.toHaveLength(0);
    for (const { available, problem } of data?.regions ?? []) expect(problem === null).toBe(available);
    expect(data?.distributions.find(({ code }) => code === 'ubuntu')?.availability).toMatch(
      /^(READY|UNAVAILABLE|DOWNLOAD)$/,
    );
  });
});
