import type { Terminal } from '@xterm/xterm';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** How much has been shown before the gateway is told. It sends at most 256 KB ahead. */
const TELL_EVERY_BYTES = 32 * 1024;
/** The codes of the gateway, see `terminal-session.ts`. */
const EXITED = 4000;
const IDLE = 4003;
const NO_SHELL = 4004;
const TRY_LATER = 1013;

export interface Listener {
  onOpen(): void;
  /** It opens again by itself. */
  onLost(words: string): void;
  /** It is over until somebody asks for a new one, if `mayOpen`. */
  onEnd(words: string, mayOpen: boolean): void;
}

/** The WebSocket of a shell. When the connection is lost, so are the shell's processes: a new one opens. */
export class Connection {
  readonly #terminal: Terminal;
  readonly #listener: Listener;
  #socket: WebSocket | undefined;
  #failures = 0;

  constructor(terminal: Terminal, listener: Listener) {
    this.#terminal = terminal;
    this.#listener = listener;
  }

  open(): void {
    const { cols, rows } = this.#terminal;
    const url = new URL(`/.swiftor/terminal?columns=${cols}&rows=${rows}`, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    let isFirst = true;
    let untold = 0;
    socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      if (isFirst) {
        isFirst = false;
        this.#failures = 0;
        this.#terminal.reset();
        this.#listener.onOpen();
        this.resize();
      }
      this.#terminal.write(new Uint8Array(data), () => {
        untold += data.byteLength;
        if (untold < TELL_EVERY_BYTES || socket.readyState !== WebSocket.OPEN) return;
        socket.send(JSON.stringify({ read: untold }));
        untold = 0;
      });
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket === socket) this.#socket = undefined;
      void this.#onClose(code, reason);
    });
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  type(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen) return;
    this.#socket?.send(typeof data === 'string' ? new TextEncoder().encode(data) : data);
  }

  resize(): void {
    const { cols: columns, rows } = this.#terminal;
    if (this.isOpen) this.#socket?.send(JSON.stringify({ size: { columns, rows } }));
  }

  async #onClose(code: number, words: string): Promise<void> {
    if (code === EXITED || code === IDLE || code === TRY_LATER) return this.#listener.onEnd(words, true);
    if (code === NO_SHELL) return this.#listener.onEnd(words, false);
    const what = navigator.onLine ? 'The connection was lost' : 'You are offline';
    this.#listener.onLost(`${what}. Opening a new shell…`);
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
      window.addEventListener('online', resolve, { once: true });
    });
    // An access that has ended, or a VM that was stopped: the page that says so is at this address.
    if (await isGone()) location.reload();
    else this.open();
  }
}

async function isGone(): Promise<boolean> {
  try {
    const { status } = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store' });
    return status !== 200;
  } catch {
    return false;
  }
}
