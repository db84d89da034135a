import { describe, it } from 'vitest';
import { executeSql } from '../../support/database/execute-sql.ts';
import { eventually } from '../../support/eventually.ts';
import { useApi } from '../../support/api/use-api.ts';
import { createApiToken, LIST_API_TOKENS, type ListedApiTokens } from '../../support/api/api-tokens.ts';
import { newAccount, testToken } from '../../support/gateway/tokens.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';

const api = useApi();

// They wait for the check of every 5 seconds.
describe.concurrent('within seconds', () => {
  it('the last use is shown', async ({ expect }) => {
    const session = await testToken(newAccount('tokens'));
    const { token, id } = await createApiToken(api, session, { scope: 'READ' });
    const lastUse = async () => {
      const { data } = await api.graphql<ListedApiTokens>(session, LIST_API_TOKENS);
      return data?.me.apiTokens.find((each) => each.id === id)?.lastUsedAt;
    };
    expect(await lastUse()).toBeNull();
    await api.graphql(token, '{ me { userId } }');
    await eventually(async () => (await lastUse()) != null, { deadline: 20_000, every: 200 });
  });

  it('a revocation whose notification was lost is found', async ({ expect }) => {
    const session = await testToken(newAccount('tokens'));
    const { token, id } = await createApiToken(api, session, { scope: 'READ' });
    const { closed } = await openKnownSocket(api.port, token);
    await executeSql(api.databaseUrl, `delete from api_token where id = '${id}'`);
    expect((await closed).code).toBe(4403);
    expect((await api.rest(token, 'GET', '/vms')).status).toBe(401);
  });

  it('an expired token is refused', async () => {
    const session = await testToken(newAccount('tokens'));
    const { token } = await createApiToken(api, session, { scope: 'READ', expiresIn: '1s' });
    await eventually(async () => (await api.rest(token, 'GET', '/vms')).status === 401, { every: 200 });
  });
});
