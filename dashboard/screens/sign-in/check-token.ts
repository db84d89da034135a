import { textOf } from '../../api/graphql.ts';
import { Viewer } from '../../api/viewer.ts';
import { signInWords } from '../../words/sign-in.ts';
import { words } from '../../words/words.ts';
import { claimsOf, isTokenShaped } from '../../session/token-claims.ts';

const DEADLINE_MS = 15_000;

/** Why a token does not sign in; undefined if the gateway accepts it. */
export async function checkToken(token: string): Promise<string | undefined> {
  if (!isTokenShaped(token)) return signInWords.shape;
  const { expiresAt } = claimsOf(token);
  if (expiresAt !== undefined && expiresAt < Date.now()) return signInWords.over;
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: textOf(Viewer) }),
      credentials: 'omit',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (response.status !== 401) return undefined;
    const { errors } = (await response.json()) as { errors?: readonly { message: string }[] };
    return [signInWords.refused, errors?.[0]?.message].filter(Boolean).join(' ');
  } catch {
    return words.problem.away;
  }
}
