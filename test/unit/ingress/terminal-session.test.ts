import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { MachineTerminal } from '../../../src/engine/programs.ts';
import { TERMINAL_END, TerminalSession, type TerminalTimes } from '../../../src/ingress/inside/terminal-session.ts';
import { readTerminalMessage, readTerminalSize } from '../../../src/ingress/inside/terminal-messages.ts';
import { eventually } from '../../support/eventually.ts';

const TIMES: TerminalTimes = { idleMs: 60_000, checkMs: 20, silentMs: 60_000 };

/** A session over a real WebSocket, of a shell that the test plays. */
async function session(times: Partial<TerminalTimes> = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  await once(client, 'open');
  onTestFinished(() => client.terminate());
  const typed: Buffer[] = [];
  let takeMore: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    writableHighWaterMark: 1_000,
    write(chunk: Buffer, _encoding, callback) {
      typed.push(chunk);
      takeMore = callback;
    },
  });
  const sizes: number[] = [];
  const terminal: MachineTerminal = {
    stream,
    resize: async ({ columns }) => void sizes.push(columns),
    exitCode: async () => 7,
    close: () => stream.destroy(),
  };
  const ended = new TerminalSession(socket, terminal, { ...TIMES, ...times }).run();
  return { client, socket, stream, typed, sizes, ended, takeMore: () => takeMore?.() };
}

it('a session in which nothing is typed or shown ends', async () => {
  const { ended } = await session({ idleMs: 100 });
  expect(await ended).toBe(TERMINAL_END.idle);
});

it('a client that answers no pings is cut', async () => {
  const { client, ended } = await session({ silentMs: 100 });
  client.pause();
  expect(await ended).toBe(TERMINAL_END.goingAway);
});

it('the end of the shell ends the session with its exit code, after all that it has shown', async () => {
  const { client, stream, ended } = await session();
  const shown = once(client, 'message');
  stream.push('bye');
  stream.push(null);
  expect(await ended).toEqual({ code: 4000, words: 'The shell has ended with exit code 7.' });
  expect(String((await shown)[0])).toBe('bye');
});

it('what is typed waits at the client while the shell reads nothing', async () => {
  const { client, socket, typed, takeMore } = await session();
  for (let each = 0; each < 50; each += 1) client.send(Buffer.alloc(1_000));
  await eventually(() => socket.isPaused);
  expect(typed).toHaveLength(1);
  const takeAll = () => {
    takeMore();
    return typed.length === 50;
  };
  await eventually(takeAll, { every: 1 });
});

it('of sizes that come faster than the engine takes them the last counts', async () => {
  const { client, sizes } = await session();
  for (const columns of [80, 81, 82]) client.send(JSON.stringify({ size: { columns, rows: 24 } }));
  client.send('{"size":{"columns":0,"rows":1}}');
  client.send('no JSON');
  await eventually(() => sizes.at(-1) === 82);
});

it('messages and sizes that make no sense are none', () => {
  expect(readTerminalMessage('{"read":1}')).toEqual({ read: 1 });
  expect(readTerminalMessage('{"read":-1}')).toBeUndefined();
  expect(readTerminalMessage('[')).toBeUndefined();
  expect(readTerminalSize('/.swiftor/terminal?columns=90&rows=30')).toEqual({ columns: 90, rows: 30 });
  expect(readTerminalSize('/.swiftor/terminal?columns=9e9&rows=x')).toEqual({ columns: 80, rows: 24 });
});
