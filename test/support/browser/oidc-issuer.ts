import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

export const CLIENT_ID = 'dashboard';
export const AUDIENCE = 'authenticated';

export interface OidcIssuer extends AsyncDisposable {
  readonly url: string;
  readonly jwksUrl: string;
  /** How often it has issued tokens. */
  readonly issues: number;
  /** Keeps the next tokens that are issued back, as a slow network does. Resolves once they are. */
  holdNextTokens(): Promise<{ release: () => void }>;
}

/**
 * Starts an OpenID Connect issuer that accepts every name and password. Its access tokens are JWTs for the gateway and
 * expire after `ttlSeconds`; its refresh tokens can be used once.
 */
export async function startOidcIssuer({
  redirectUri,
  ttlSeconds,
}: {
  redirectUri: string;
  ttlSeconds: number;
}): Promise<OidcIssuer> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [`${new URL(redirectUri).origin}/sign-in`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    clientBasedCORS: () => true,
    rotateRefreshToken: true,
    cookies: { keys: ['of the tests'] },
    ttl: { AccessToken: ttlSeconds, IdToken: 3600, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `${url}/gateway`,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid profile email offline_access',
          audience: AUDIENCE,
          accessTokenTTL: ttlSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  provider.on('server_error', (_context: unknown, error: Error) => process.stderr.write(`${error.stack}\n`));
  const issue = provider.callback();
  let onHeld: ((held: { release: () => void }) => void) | undefined;
  let issues = 0;
  server.on('request', (request, reply) => {
    const isIssue = request.method === 'POST' && request.url === '/token';
    if (isIssue) issues += 1;
    if (isIssue && onHeld !== undefined) {
      const tell = onHeld;
      onHeld = undefined;
      const end = reply.end.bind(reply) as (...all: unknown[]) => typeof reply;
      reply.end = (...all: unknown[]) => {
        tell({ release: () => void end(...all) });
        return reply;
      };
    }
    void issue(request, reply);
  });
  return {
    url,
    jwksUrl: `${url}/jwks`,
    get issues() {
      return issues;
    },
    holdNextTokens: () => new Promise((resolve) => (onHeld = resolve)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
