import { createRemoteJWKSet, errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyOptions, type JWTVerifyResult } from 'jose';
import { ApiError } from '../errors.ts';
import type { Viewer } from '../audit/viewer.ts';

export interface JwtOptions {
  readonly secret?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience: string;
}

/** Rejects with UNAUTHENTICATED for anything but a token of ours that holds now. */
export type VerifyToken = (token: string) => Promise<Viewer>;

const LEEWAY_SECONDS = 5;

/**
 * HS256 with the shared secret, or ES256 and RS256 with the keys at `jwksUrl`: never both, so that a public key can
 * not be passed off as a secret (RFC 8725 §3.1). `exp`, `aud` and a textual `sub` are required.
 */
export function createVerifyToken(options: JwtOptions): VerifyToken {
  const verify = signatureVerifier(options);
  return async (token) => toViewer(await verify(token));
}

function signatureVerifier({ secret, jwksUrl, issuer, audience }: JwtOptions): VerifyPayload {
  const common: JWTVerifyOptions = {
    audience,
    requiredClaims: ['exp', 'sub', 'aud'],
    clockTolerance: LEEWAY_SECONDS,
    ...(issuer !== undefined && { issuer }),
  };
  if (jwksUrl !== undefined) {
    const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 5_000 });
    return payloadOf((token) => jwtVerify(token, keys, { ...common, algorithms: ['ES256', 'RS256'] }));
  }
  if (secret === undefined) throw new Error('A token needs JWT_SECRET or JWT_JWKS_URL to be verified with.');
  const key = new TextEncoder().encode(secret);
  return payloadOf((token) => jwtVerify(token, key, { ...common, algorithms: ['HS256'] }));
}

type VerifyPayload = (token: string) => Promise<JWTPayload>;

function payloadOf(verify: (token: string) => Promise<JWTVerifyResult>): VerifyPayload {
  return async (token) => {
    try {
      return (await verify(token)).payload;
    } catch (error) {
      // Nothing is wrong with the token: asking for another one would not help.
      if (isKeySetAway(error))
        throw new ApiError('UNAVAILABLE', 'The keys at JWT_JWKS_URL cannot be fetched; try again shortly.', { cause: error });
      throw new ApiError('UNAUTHENTICATED', undefined, { cause: error });
    }
  };
}

function isKeySetAway(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof TypeError) return true;
  return error instanceof errors.JOSEError && error.message.includes('JSON Web Key Set HTTP response');
}

function toViewer({ sub, exp, app_metadata }: JWTPayload): Viewer {
  // A `sub` may be any text, but one that is blank, endless or of another type is not an identity.
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(sub)) throw new ApiError('UNAUTHENTICATED');
  if (typeof exp !== 'number') throw new ApiError('UNAUTHENTICATED');
  const plan = typeof app_metadata === 'object' && app_metadata !== null && 'plan' in app_metadata ? app_metadata.plan : undefined;
  return { userId: sub, expiresAt: exp * 1000, ...(typeof plan === 'string' && { plan }) };
}

/** The token in an Authorization header's value; UNAUTHENTICATED when there is none. */
export function bearerOf(authorization: string | null | undefined): string {
  const match = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(authorization ?? '');
  if (match?.[1] === undefined) throw new ApiError('UNAUTHENTICATED');
  return match[1];
}

/** A token as Supabase would issue it, signed with the shared secret; for operators and tests. */
export async function signToken(claims: { userId: string; plan?: string; ttlSeconds: number }, options: JwtOptions): Promise<string> {
  const { secret, issuer, audience } = options;
  if (secret === undefined) throw new Error('Tokens are issued by the owner of JWT_JWKS_URL; only JWT_SECRET can sign here.');
  const jwt = new SignJWT({ role: 'authenticated', ...(claims.plan !== undefined && { app_metadata: { plan: claims.plan } }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(claims.userId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + claims.ttlSeconds);
  if (issuer !== undefined) jwt.setIssuer(issuer);
  return jwt.sign(new TextEncoder().encode(secret));
}
