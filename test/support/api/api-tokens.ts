import type { ApiClient } from './api.ts';

export const CREATE_API_TOKEN = `mutation ($input: CreateApiTokenInput!) {
  createApiToken(input: $input) { token apiToken { id name scope serviceAccount lastUsedAt } } }`;
export const LIST_API_TOKENS = '{ me { apiTokens { id name lastUsedAt } } }';

interface Created {
  readonly createApiToken: { readonly token: string; readonly apiToken: { readonly id: string } };
}

export interface ListedApiTokens {
  readonly me: { readonly apiTokens: readonly { readonly id: string; readonly lastUsedAt: string | null }[] };
}

/** A new API token of the account that the token `by` signs in to. */
export async function createApiToken(
  api: ApiClient,
  by: string,
  input: object,
): Promise<{ token: string; id: string }> {
  const { data, errors } = await api.graphql<Created>(by, CREATE_API_TOKEN, { input: { name: 'a test', ...input } });
  if (data === undefined || errors !== undefined) throw new Error(`No token was created: ${JSON.stringify(errors)}`);
  return { token: data.createApiToken.token, id: data.createApiToken.apiToken.id };
}
