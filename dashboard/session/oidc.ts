import * as oauth from 'oauth4webapi';
import { Problem } from '../api/problem.ts';
import { signInWords } from '../words/sign-in.ts';
import { dashboardConfig, type OidcClient } from './dashboard-config.ts';
import type { IssuedTokens } from './session.ts';
import type { Refresh } from './token-storage.ts';

/** Kept for this window while the browser is at the issuer. */
const PENDING = 'swiftor.sign-in';

interface Pending {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly returnTo: string;
}

const CALLBACK = '/sign-in/done';
const DEADLINE_MS = 15_000;

/** The address of the issuer to go to: authorization code with PKCE, for a public client. */
export async function beginSignIn(client: OidcClient): Promise<string> {
  const { server } = await discover(client);
  const pending: Pending = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    returnTo: location.pathname.startsWith('/sign-in') ? '/' : `${location.pathname}${location.search}`,
  };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const url = new URL(endpoint(server.authorization_endpoint));
  const parameters = {
    client_id: client.clientId,
    redirect_uri: location.origin + CALLBACK,
    response_type: 'code',
    scope: client.scopes,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    state: pending.state,
    nonce: pending.nonce,
    // OpenID Connect Core §11: without consent there is no offline access.
    ...(client.scopes.split(' ').includes('offline_access') && { prompt: 'consent' }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** Exchanges the code of the address that the issuer sent the browser back to. */
export async function finishSignIn(address: URL): Promise<{ tokens: IssuedTokens; returnTo: string }> {
  const kept = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  if (kept === null) throw new Error(signInWords.notBegun);
  const { verifier, state, nonce, returnTo } = JSON.parse(kept) as Pending;
  const { server, client, options, oidc } = await discover();
  const parameters = oauth.validateAuthResponse(server, client, address, state);
  const redirect = location.origin + CALLBACK;
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirect,
    verifier,
    options,
  );
  const result = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  return { tokens: tokensOf(result, oidc, undefined), returnTo };
}

/**
 * New tokens for a refresh token, which the issuer may replace. Rejects with UNAUTHENTICATED if the issuer refuses it;
 * any other error says only that no answer came.
 */
export async function renewTokens(refresh: Refresh): Promise<IssuedTokens> {
  const { server, client, options, oidc } = await discover();
  const { refreshToken = '' } = refresh;
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, options);
  const isServerError = response.status >= 500;
  try {
    return tokensOf(await oauth.processRefreshTokenResponse(server, client, response), oidc, refresh);
  } catch (error) {
    if (isServerError) throw error;
    throw new Problem('UNAUTHENTICATED', error instanceof Error ? error.message : String(error));
  }
}

/** Where the issuer ends its own session; undefined if it does not offer that. */
export async function endSessionUrl({ idToken }: Refresh): Promise<string | undefined> {
  const { server, oidc } = await discover();
  if (server.end_session_endpoint === undefined) return undefined;
  const url = new URL(server.end_session_endpoint);
  url.searchParams.set('client_id', oidc.clientId);
  url.searchParams.set('post_logout_redirect_uri', `${location.origin}/sign-in`);
  if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken);
  return url.href;
}

async function discover(given?: OidcClient) {
  const oidc = given ?? (await dashboardConfig()).oidc;
  if (oidc == null) throw new Error(signInWords.noIssuer);
  const issuer = new URL(oidc.issuer);
  // The operator has named an issuer without TLS, on a machine for trying things out.
  const options = {
    [oauth.allowInsecureRequests]: issuer.protocol === 'http:',
    signal: () => AbortSignal.timeout(DEADLINE_MS),
  };
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
  return { server, oidc, options, client: { client_id: oidc.clientId } };
}

function endpoint(url: string | undefined): string {
  if (url === undefined) throw new Error(signInWords.noEndpoint);
  return url;
}

function tokensOf(
  result: oauth.TokenEndpointResponse,
  { token }: OidcClient,
  before: Refresh | undefined,
): IssuedTokens {
  const chosen = token === 'id' ? result.id_token : result.access_token;
  if (chosen === undefined) throw new Error(signInWords.noToken);
  return {
    token: chosen,
    refreshToken: result.refresh_token ?? before?.refreshToken,
    idToken: result.id_token ?? before?.idToken,
  };
}
