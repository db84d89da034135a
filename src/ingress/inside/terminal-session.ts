import { WebSocket } from 'ws';
import type { MachineTerminal, TerminalSize } from '../../engine/programs.ts';
import { readTerminalMessage } from './terminal-messages.ts';

export interface TerminalTimes {
  /** How long nothing may be typed or shown. */
  readonly idleMs: number;
  /** How often idleness is checked, and the client pinged. */
  readonly checkMs: number;
  /** How long a client may be silent, which answers pings. */
  readonly silentMs: number;
}

/** How a session ended, for the page: a code of our own, and words. */
export interface TerminalEnd {
  readonly code: number;
  readonly words: string;
}

export const TERMINAL_END = {
  exited: (code: number | undefined): TerminalEnd => ({
    code: 4000,
    words: code === undefined || code === 0 ? 'The shell has ended.' : `The shell has ended with exit code ${code}.`,
  }),
  accessEnded: { code: 4001, words: 'Your access has ended.' },
  vmStopped: { code: 4002, words: 'The VM was stopped, or its container replaced.' },
  idle: { code: 4003, words: 'Nothing was typed or shown for an hour.' },
  noShell: { code: 4004, words: 'This image has no shell, neither /bin/bash nor /bin/sh.' },
  unavailable: { code: 1013, words: 'The engine does not open a terminal now; try again shortly.' },
  goingAway: { code: 1001, words: 'The gateway restarts.' },
} as const;

/** Shown and not yet read by the page: above the first, the shell waits, until it is below the second. */
const UNREAD_BYTES = { high: 256 * 1024, low: 128 * 1024 } as const;

/**
 * Carries a terminal over a WebSocket. Binary messages are what is typed and shown.
 *
 * INVARIANTS
 * - At most 256 KB and one chunk wait for the page, which says what it has read: a shell that floods waits for it, and
 *   what is typed meanwhile is not stuck behind megabytes.
 * - What is typed waits at the client while the shell does not read it.
 */
export class TerminalSession {
  readonly #socket: WebSocket;
  readonly #terminal: MachineTerminal;
  readonly #times: TerminalTimes;
  readonly #ended = Promise.withResolvers<TerminalEnd>();
  #unread = 0;
  #movedAt = performance.now();
  #heardAt = performance.now();
  #wantedSize: TerminalSize | undefined;
  #isResizing = false;

  constructor(socket: WebSocket, terminal: MachineTerminal, times: TerminalTimes) {
    this.#socket = socket;
    this.#terminal = terminal;
    this.#times = times;
  }

  /** Resolves when shell or client have ended, or the client is idle. The caller closes both. */
  async run(): Promise<TerminalEnd> {
    const { stream } = this.#terminal;
    const socket = this.#socket;
    stream.on('data', (chunk: Buffer) => this.#show(chunk));
    stream.on('drain', () => socket.resume());
    const onEnd = (): void => {
      this.#terminal.exitCode().then(
        (code) => this.#ended.resolve(TERMINAL_END.exited(code)),
        () => this.#ended.resolve(TERMINAL_END.exited(undefined)),
      );
    };
    stream.once('end', onEnd).once('close', onEnd);
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#take(data, isBinary));
    socket.on('pong', () => (this.#heardAt = performance.now()));
    socket.once('close', () => this.#ended.resolve(TERMINAL_END.goingAway));
    const checks = setInterval(() => this.#check(performance.now()), this.#times.checkMs);
    stream.resume();
    socket.resume();
    try {
      return await this.#ended.promise;
    } finally {
      clearInterval(checks);
    }
  }

  #show(chunk: Buffer): void {
    this.#movedAt = performance.now();
    this.#unread += chunk.length;
    this.#socket.send(chunk, () => undefined);
    if (this.#unread >= UNREAD_BYTES.high || this.#socket.bufferedAmount >= UNREAD_BYTES.high)
      this.#terminal.stream.pause();
  }

  #take(data: Buffer, isBinary: boolean): void {
    const { stream } = this.#terminal;
    this.#heardAt = performance.now();
    if (isBinary) {
      this.#movedAt = this.#heardAt;
      if (stream.writable && !stream.write(data)) this.#socket.pause();
      return;
    }
    const message = readTerminalMessage(data.toString());
    if (message?.size !== undefined) void this.#resize(message.size);
    if (message?.read === undefined) return;
    this.#unread = Math.max(0, this.#unread - message.read);
    if (this.#unread <= UNREAD_BYTES.low && this.#socket.bufferedAmount < UNREAD_BYTES.high) stream.resume();
  }

  /** One at a time, and of those that came meanwhile only the last. */
  async #resize(size: TerminalSize): Promise<void> {
    this.#wantedSize = size;
    if (this.#isResizing) return;
    this.#isResizing = true;
    try {
      while (this.#wantedSize !== undefined) {
        const wanted = this.#wantedSize;
        this.#wantedSize = undefined;
        await this.#terminal.resize(wanted);
      }
    } catch {
      // The engine does not answer: the next size is another attempt.
    } finally {
      this.#isResizing = false;
    }
  }

  #check(now: number): void {
    const { idleMs, silentMs } = this.#times;
    if (now - this.#movedAt >= idleMs) this.#ended.resolve(TERMINAL_END.idle);
    // Paused, it hears nothing, because the shell does not read.
    else if (now - this.#heardAt >= silentMs && !this.#socket.isPaused) this.#socket.terminate();
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }
}
