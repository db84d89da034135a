import type { Dispatcher } from 'undici';
import type { SignIn } from '../../catalog/sign-in.ts';
import type { Credentials } from '../headers/credentials.ts';

const DEADLINE_MS = 5_000;

/** Sends the app's form with the password; its cookie, or undefined if the app does not sign in. Never rejects. */
export async function signInByForm(
  app: Dispatcher,
  { path, field, cookie }: Extract<SignIn, { kind: 'form' }>,
  password: string,
): Promise<Credentials | undefined> {
  try {
    const { headers, body } = await app.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
      body: new URLSearchParams({ [field]: password }).toString(),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    await body.dump();
    const pairs = [headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0] ?? '');
    const pair = pairs.find((each) => each.split('=')[0]?.trim() === cookie);
    const value = pair?.slice(pair.indexOf('=') + 1).trim();
    return value === undefined || value === '' ? undefined : { kind: 'cookie', name: cookie, value };
  } catch {
    return undefined;
  }
}
