import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Problem } from '../../../dashboard/api/problem.ts';
import { Session, type IssuedTokens } from '../../../dashboard/session/session.ts';
import { stubPage } from '../../support/browser/page-globals.ts';
import { testToken } from '../../support/gateway/tokens.ts';

const issued = (token: string, refreshToken = 'refresh'): IssuedTokens => ({ token, refreshToken, idToken: undefined });
const refusal = () => Promise.reject(new Problem('UNAUTHENTICATED', 'invalid_grant'));
const silence = () => Promise.reject(new TypeError('Failed to fetch'));

let page: ReturnType<typeof stubPage>;
beforeEach(() => {
  page = stubPage();
  vi.spyOn(console, 'error').mockReturnValue();
});

describe('a session', () => {
  it('is renewed with its refresh token, and ends once the issuer refuses it', async () => {
    const [first, second] = [await testToken('ada'), await testToken('ada', { ttlSeconds: 90 })];
    const exchange = vi.fn().mockResolvedValueOnce(issued(second, 'next')).mockImplementation(refusal);
    const session = new Session(exchange);
    session.startIssued(issued(first));
    expect(await session.renew(first)).toBe('renewed');
    expect(await session.token()).toBe(second);
    expect(await session.renew(second)).toBe('refused');
    expect(exchange.mock.lastCall).toEqual([{ refreshToken: 'next', idToken: undefined }]);
  });

  it('does not end because the issuer does not answer', async () => {
    const token = await testToken('ada');
    const session = new Session(silence);
    session.startIssued(issued(token));
    expect(await session.renew(token)).toBe('unreachable');
    expect(session.state.value.kind).toBe('in');
    expect(await session.token()).toBe(token);
  });

  it('does not exchange again for a token that was refused before the last renewal', async () => {
    const [first, second] = [await testToken('ada'), await testToken('ada', { ttlSeconds: 90 })];
    const exchange = vi.fn().mockResolvedValue(issued(second));
    const session = new Session(exchange);
    session.startIssued(issued(first));
    await Promise.all([session.renew(first), session.renew(first)]);
    expect(await session.renew(first)).toBe('renewed');
    expect(exchange).toHaveBeenCalledOnce();
  });

  it('that is left during an exchange does not begin again, and its token is gone', async () => {
    const token = await testToken('ada');
    const { promise, resolve } = Promise.withResolvers<IssuedTokens>();
    const session = new Session(() => promise);
    session.startIssued(issued(token));
    const renewal = session.renew(token);
    session.end('left');
    resolve(issued(await testToken('ada', { ttlSeconds: 90 })));
    expect(await renewal).toBe('refused');
    expect(session.state.value).toEqual({ kind: 'out', reason: 'left' });
    await expect(session.token()).rejects.toThrow('Your session has ended.');
    expect(sessionStorage.getItem('swiftor.refresh')).toBeNull();
  });

  it('keeps a draft when it expires, and drops it when it is left or another account signs in', async () => {
    const session = new Session(refusal);
    const [ada, bob] = [await testToken('ada'), await testToken('bob')];
    const drafts: (string | null)[] = [];
    const end = (reason: 'expired' | 'left'): void => {
      sessionStorage.setItem('swiftor.draft', 'a draft');
      session.end(reason);
      drafts.push(sessionStorage.getItem('swiftor.draft'));
    };
    session.start(ada, { inBrowser: false });
    end('expired');
    session.start(ada, { inBrowser: false });
    end('left');
    session.start(ada, { inBrowser: false });
    end('expired');
    session.start(bob, { inBrowser: false });
    drafts.push(sessionStorage.getItem('swiftor.draft'));
    expect(drafts).toEqual(['a draft', null, 'a draft', null]);
    // What is in memory is the other account's.
    expect(page.reload).toHaveBeenCalledOnce();
    expect(sessionStorage.getItem('swiftor.token')).toBe(bob);
  });

  it('of an earlier page goes on once the issuer answers', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const token = await testToken('ada');
    sessionStorage.setItem('swiftor.refresh', JSON.stringify({ refreshToken: 'kept' }));
    const exchange = vi.fn().mockImplementationOnce(silence).mockResolvedValue(issued(token));
    const session = new Session(exchange);
    session.restore();
    await vi.advanceTimersByTimeAsync(0);
    expect(session.state.value).toEqual({ kind: 'restoring', isLate: true });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(session.state.value.kind).toBe('in');
  });
});
