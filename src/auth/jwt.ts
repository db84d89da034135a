import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { ApiError } from '../errors.ts';
import type { Viewer } from '../audit/viewer.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { verifyHs256 } from './verify-hs256.ts';

export interface JwtOptions {
  readonly secret?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience: string;
}

/** Rejects with UNAUTHENTICATED unless the token is valid now, UNAVAILABLE if the keys cannot be fetched. */
export interface VerifyToken {
  (token: string): Promise<Viewer>;
  /** Changes when a token must be verified again, because the keys have changed. */
  keyVersion(): number;
}

const LEEWAY_SECONDS = 5;
/** The end of the year 9999: later times have no date in cookies, and from 275760 on none at all. */
const LATEST_EXPIRY_MS = Date.UTC(9999, 11, 31);

/**
 * Verifies HS256 with the shared secret, or ES256 and RS256 with the keys at `jwksUrl`. Never both: a public key must
 * not be accepted as a shared secret (RFC 8725 §3.1). `exp`, `aud` and a string `sub` are required.
 */
export function createVerifyToken({ secret, jwksUrl, issuer, audience }: JwtOptions): VerifyToken {
  const claims: JWTVerifyOptions = {
    audience,
    requiredClaims: ['exp', 'sub', 'aud'],
    clockTolerance: LEEWAY_SECONDS,
    ...(issuer !== undefined && { issuer }),
  };
  if (jwksUrl !== undefined) {
    const keys = createRemoteKeys(jwksUrl);
    const options = { ...claims, algorithms: ['ES256', 'RS256'] };
    const verify = async (token: string): Promise<JWTPayload> => (await jwtVerify(token, keys.find, options)).payload;
    return Object.assign(viewerOf(verify, isKeySetUnavailable), { keyVersion: () => keys.version() });
  }
  if (secret === undefined) throw new Error('Set JWT_SECRET or JWT_JWKS_URL: one of them is needed to verify tokens.');
  const key = createSecretKey(secret, 'utf8');
  return Object.assign(
    viewerOf((token) => verifyHs256(token, key, claims), neverUnavailable),
    { keyVersion: () => 0 },
  );
}

function viewerOf(
  verify: (token: string) => JWTPayload | Promise<JWTPayload>,
  isUnavailable: (error: unknown) => boolean,
): (token: string) => Promise<Viewer> {
  return async (token) => {
    let payload: JWTPayload;
    try {
      payload = await verify(token);
    } catch (error) {
      // The token may be fine: a new one would not help.
      if (isUnavailable(error))
        throw new ApiError('UNAVAILABLE', 'The keys at JWT_JWKS_URL cannot be fetched; try again shortly.', {
          cause: error,
        });
      throw new ApiError('UNAUTHENTICATED', undefined, { cause: error });
    }
    return toViewer(payload);
  };
}

/** A shared secret is always there. jose's errors for a malformed token would look like those of a failed fetch. */
const neverUnavailable = (): boolean => false;

function isKeySetUnavailable(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof TypeError) return true;
  return error instanceof errors.JOSEError && error.message.includes('JSON Web Key Set HTTP response');
}

function toViewer({ sub, exp, app_metadata }: JWTPayload): Viewer {
  if (typeof sub !== 'string' || !isUserId(sub)) throw new ApiError('UNAUTHENTICATED');
  if (typeof exp !== 'number') throw new ApiError('UNAUTHENTICATED');
  const { plan, role } = toObject(app_metadata);
  return {
    userId: sub,
    expiresAt: Math.min(exp * 1000, LATEST_EXPIRY_MS),
    ...(typeof plan === 'string' && { plan }),
    ...(role === 'operator' && { role }),
  };
}

function toObject(claim: unknown): { readonly plan?: unknown; readonly role?: unknown } {
  return typeof claim === 'object' && claim !== null ? claim : {};
}

/** Whether a token may have it as its `sub`: neither blank nor too long, and printable ASCII. */
export function isUserId(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text);
}

/** The token of an Authorization header, of a sign-in or `swt_…`; throws UNAUTHENTICATED if there is none. */
export function bearerOf(authorization: string | null | undefined): string {
  const match = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+|swt_[\w-]+) *$/i.exec(authorization ?? '');
  if (match?.[1] === undefined) throw new ApiError('UNAUTHENTICATED');
  return match[1];
}

/** Signs a token like Supabase's with the shared secret, for operators and tests. */
export async function signToken(
  claims: { userId: string; plan?: string; role?: 'operator'; ttlSeconds: number },
  options: JwtOptions,
): Promise<string> {
  const { secret, issuer, audience } = options;
  if (secret === undefined)
    throw new Error('With JWT_JWKS_URL, tokens are issued elsewhere; only JWT_SECRET can sign them here.');
  const jwt = new SignJWT({
    role: 'authenticated',
    ...((claims.plan !== undefined || claims.role !== undefined) && {
      app_metadata: { plan: claims.plan, role: claims.role },
    }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(claims.userId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + claims.ttlSeconds);
  if (issuer !== undefined) jwt.setIssuer(issuer);
  return jwt.sign(new TextEncoder().encode(secret));
}
