import type { Environment } from './environment.ts';

/** How the dashboard signs users in with OpenID Connect, as a public client. */
export interface OidcClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: string;
  /** What the button says. */
  readonly name: string;
  /** Which of the issuer's tokens the gateway verifies. */
  readonly token: 'access' | 'id';
}

type Values = Pick<
  Environment,
  'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_SCOPES' | 'OIDC_NAME' | 'OIDC_TOKEN' | 'JWT_JWKS_URL' | 'JWT_ISSUER'
>;

/** The client of the settings; undefined without OIDC_ISSUER. Throws if they do not fit each other. */
export function readOidcClient(values: Values): OidcClient | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId } = values;
  if (issuer === undefined && clientId === undefined) return undefined;
  if (issuer === undefined || clientId === undefined)
    throw new Error('Set OIDC_ISSUER and OIDC_CLIENT_ID, both or none.');
  if (values.JWT_JWKS_URL === undefined)
    throw new Error("OIDC_ISSUER needs JWT_JWKS_URL, the issuer's keys: the gateway verifies its tokens with them.");
  if (values.JWT_ISSUER !== undefined && values.JWT_ISSUER !== issuer)
    throw new Error('OIDC_ISSUER and JWT_ISSUER differ, so no token of the sign-in would be valid.');
  return {
    issuer,
    clientId,
    scopes: values.OIDC_SCOPES,
    name: values.OIDC_NAME ?? new URL(issuer).host,
    token: values.OIDC_TOKEN,
  };
}
