import { afterEach, describe, expect, it, vi } from 'vitest';
import { createReplyHeads } from '../src/ingress/direct/reply-heads.ts';

afterEach(() => void vi.useRealTimers());

const DATED = ['Date', 'Sat, 28 Nov 2026 22:00:00 GMT', 'Content-Length', '3'];
const END = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n';

describe('the head of an answer', () => {
  it('is what was asked for, also when the headers are those of the one before', () => {
    const head = createReplyHeads({ keepSeconds: 5 });
    const lines = `Date: ${DATED[1]}\r\nContent-Length: 3\r\n${END}`;
    const good = { text: `HTTP/1.1 200 OK\r\n${lines}`, hasLength: true };
    expect(head(200, 'OK', DATED)).toMatchObject(good);
    expect(head(200, 'OK', DATED)).toMatchObject(good);
    expect(head(206, 'OK', DATED)).toMatchObject({ text: `HTTP/1.1 206 OK\r\n${lines}` });
    expect(head(206, 'Part', DATED)).toMatchObject({ text: `HTTP/1.1 206 Part\r\n${lines}` });
    expect(head(200, 'OK', DATED)).toMatchObject(good);
    expect(head(200, 'OK', { 'content-length': '3' })).toMatchObject({ hasLength: true });
    expect(head(200, 'OK', {})).toMatchObject({ hasLength: false });
  });

  it('has the time of the answer, where the app does not tell it', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const head = createReplyHeads({ keepSeconds: 5 });
    const headers = ['X', '1'];
    for (const now of ['Sat, 28 Nov 2026 22:00:00 GMT', 'Sat, 28 Nov 2026 22:00:01 GMT']) {
      vi.setSystemTime(Date.parse(now));
      expect(head(200, 'OK', headers).text).toBe(`HTTP/1.1 200 OK\r\nX: 1\r\nDate: ${now}\r\n${END}`);
    }
  });
});
