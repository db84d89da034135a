import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, UnsecuredJWT, type JWTClaimVerificationOptions, type JWTPayload } from 'jose';

const UNSECURED_HEADER = Buffer.from('{"alg":"none"}').toString('base64url');

/**
 * Verifies a token of HS256 (RFC 7515 and 7518) in the calling thread: jose's WebCrypto takes a trip to the thread pool
 * for each token, many times as long as the HMAC itself. jose still reads and checks the claims. Throws its errors.
 */
export function verifyHs256(token: string, key: KeyObject, options: JWTClaimVerificationOptions): JWTPayload {
  const { alg, crit, b64 } = decodeProtectedHeader(token);
  // Extensions that must be understood are refused: none is understood here.
  if (alg !== 'HS256' || crit !== undefined || b64 !== undefined) throw new errors.JOSEAlgNotAllowed();
  const end = token.lastIndexOf('.');
  // Compared as text: decoding would ignore characters that base64url does not have.
  const expected = Buffer.from(createHmac('sha256', key).update(token.slice(0, end)).digest('base64url'));
  const given = Buffer.from(token.slice(end + 1));
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new errors.JWSSignatureVerificationFailed();
  // From here on the claims are authentic, so they are read like those of a token without a signature.
  const claims = token.slice(token.indexOf('.') + 1, end);
  return UnsecuredJWT.decode(`${UNSECURED_HEADER}.${claims}.`, options).payload;
}
