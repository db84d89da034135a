import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';

interface Answer {
  readonly data?: {
    readonly setSecrets: {
      readonly lastEventSeq: string;
      readonly secrets: readonly { readonly key: string; readonly value: string }[];
    };
  };
  readonly errors?: readonly {
    readonly extensions: { readonly code: string; readonly fields?: readonly { readonly path: string }[] };
  }[];
}

const SET_SECRETS = `mutation ($input: SetSecretsInput!) {
  setSecrets(input: $input) { lastEventSeq secrets { key value } }
}`;
const AUDIT = '{ me { audit(actions: [SECRET_SET, SECRET_DELETED]) { nodes { action details { value } } } } }';

const api = useApi();
let token: string;
let vmId: string;
beforeAll(async () => {
  token = await api.token('alice');
  vmId = await api.createVm(token, 'one');
});

const change = async (input: object, by = token): Promise<Answer> =>
  (await (await api.post(by, SET_SECRETS, { input: { vmId, ...input } })).json()) as Answer;
const entry = (key: string, value = 'x') => ({ key, value });

describe('setSecrets', () => {
  it('sets and removes several secrets in one change, each with its entry in the audit', async () => {
    const first = await change({ set: [entry('A', '1'), entry('B', '2')] });
    const second = await change({ set: [entry('B', '3'), entry('C')], remove: ['A', 'NEVER'] });
    const { lastEventSeq, secrets } = second.data?.setSecrets ?? {};
    expect(Number(lastEventSeq)).toBe(Number(first.data?.setSecrets.lastEventSeq) + 1);
    expect(secrets?.filter(({ key }) => key !== 'VM_PASSWORD')).toEqual([entry('B', '3'), entry('C')]);
    const { data } = (await (await api.post(token, AUDIT)).json()) as {
      data: { me: { audit: { nodes: { action: string; details: { value: string }[] }[] } } };
    };
    const told = data.me.audit.nodes.map(({ action, details: [key] }) => `${action} ${key?.value}`);
    expect(told.toSorted()).toEqual(['SECRET_DELETED A', 'SECRET_SET A', 'SECRET_SET B', 'SECRET_SET C']);
  });

  it('changes nothing if one entry is wrong, and names it', async () => {
    const before = await change({});
    for (const [input, path] of [
      [{ set: [entry('GOOD'), entry('no-name')] }, 'input.set.1.key'],
      [{ set: [entry('GOOD'), entry('PATH')] }, 'input.set.1.key'],
      [{ set: [entry('GOOD'), entry('VM_PASSWORD', '')] }, 'input.set.1.value'],
      [{ set: [entry('GOOD')], remove: ['GOOD'] }, 'input.set.0.key'],
    ] as const) {
      const { errors } = await change(input);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
    }
    expect(await change({})).toEqual(before);
  });

  it('has no such VM for another account', async () => {
    const { errors } = await change({ set: [entry('A')] }, await api.token('bob'));
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});
