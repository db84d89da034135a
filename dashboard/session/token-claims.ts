/** What the page reads of a token. The gateway alone verifies it. */
interface TokenClaims {
  readonly userId: string | undefined;
  /** In ms since 1970; undefined if the token does not tell. */
  readonly expiresAt: number | undefined;
  readonly issuedAt: number | undefined;
}

export function claimsOf(token: string): TokenClaims {
  try {
    const [, payload = ''] = token.split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    );
    const { sub, exp, iat } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const ms = (seconds: unknown): number | undefined => (typeof seconds === 'number' ? seconds * 1000 : undefined);
    return { userId: typeof sub === 'string' ? sub : undefined, expiresAt: ms(exp), issuedAt: ms(iat) };
  } catch {
    return { userId: undefined, expiresAt: undefined, issuedAt: undefined };
  }
}

/** Whether a text has the form of a token, so that a slip of the hand is noticed before it is sent. */
export function isTokenShaped(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}
