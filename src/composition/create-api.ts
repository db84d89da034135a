import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { acceptApiTokens } from '../auth/accept-api-tokens.ts';
import { AccountSockets } from '../auth/account-sockets.ts';
import type { ApiTokenVerifier } from '../auth/api-tokens/api-token-verifier.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { cacheTokens } from '../auth/cache-tokens.ts';
import type { VerifyToken } from '../auth/jwt.ts';
import type { RateLimits } from '../auth/rate-limits.ts';
import { StreamAdmission } from '../auth/stream-admission.ts';
import type { Config } from '../config/config.ts';
import { Gateway } from '../graphql/pipeline/gateway.ts';
import type { PersistedOperations } from '../graphql/pipeline/persisted-operations.ts';
import type { Services } from '../graphql/schema/context.ts';
import { GraphqlHttp } from '../graphql/transports/graphql-http.ts';
import { GraphqlWs } from '../graphql/transports/graphql-ws.ts';
import { originRuleOf } from '../http/request/allowed-origin.ts';
import type { Log } from '../log.ts';
import { RestHandler } from '../rest/rest-handler.ts';
import { gatewayUrl } from '../vm/networking/mapping.ts';

interface ApiOptions {
  readonly config: Config;
  readonly services: Services;
  /** Of the tokens of a sign-in. */
  readonly verifyToken: VerifyToken;
  readonly apiTokens: ApiTokenVerifier;
  readonly rates: RateLimits;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly persisted: PersistedOperations;
  readonly log: Log;
}

export interface Api {
  readonly graphqlHttp: GraphqlHttp;
  readonly graphqlWs: GraphqlWs;
  readonly rest: RestHandler;
  /** Ends event streams and refuses new ones; requests and WebSockets continue. */
  endEventStreams(): void;
  dispose(): Promise<void>;
}

/** Composes the GraphQL and REST APIs over one pipeline. */
export function createApi(options: ApiOptions): Api {
  const { config, services, verifyToken, apiTokens, rates, addressOf, persisted, log } = options;
  const { limits, introspection, strictRest, accessLog } = config;
  const graphiql = !config.production;
  const origin = gatewayUrl(services.address);
  const closing = new AbortController();
  // Each event stream adds a listener, and there may be thousands.
  setMaxListeners(0, closing.signal);
  const authenticate = createAuthenticate({
    verifyToken: acceptApiTokens(cacheTokens(verifyToken), apiTokens),
    rates,
    addressOf,
  });
  const sockets = new AccountSockets(limits.socketsPerAccount);
  const admission = new StreamAdmission({ closing: closing.signal, sockets });
  const gateway = new Gateway({ services, rates, log, introspection, accessLog });
  const graphqlWs = new GraphqlWs({
    gateway,
    verifyToken: acceptApiTokens(verifyToken, apiTokens),
    addressOf,
    rates,
    sockets,
    subscriptionsPerSocket: limits.subscriptionsPerSocket,
    origins: originRuleOf(config),
    persisted,
    log,
  });
  return {
    graphqlHttp: new GraphqlHttp({ gateway, authenticate, admission, persisted, graphiql }),
    graphqlWs,
    rest: new RestHandler({ gateway, authenticate, admission, strict: strictRest, origin, log }),
    endEventStreams: () => closing.abort(),
    async dispose() {
      await graphqlWs.dispose();
      await gateway.dispose();
    },
  };
}
