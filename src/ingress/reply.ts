/** What an answer is written to: Node's ServerResponse, or its like on a bare socket. All text is latin1. */
export interface Reply {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** Bytes that the client has not taken yet. */
  readonly writableLength: number;
  /** Without those that only say how the connection goes on. Arrays are flat, and not altered. */
  writeHead(status: number, reason: string, headers: string[] | Readonly<Record<string, string>>): unknown;
  flushHeaders(): void;
  /** False when more should wait for `drain`. `onWritten` is told that the chunk's memory is not read any more, or with an error that it may be. */
  write(chunk: Buffer | string, encoding: 'latin1', onWritten?: (error?: Error | null) => void): boolean;
  /** With the last of the body, '' when there is none. */
  end(chunk: Buffer | string, encoding: 'latin1'): unknown;
  /** Cuts it off, with its connection. */
  destroy(): unknown;
  once(event: 'drain', listener: () => void): unknown;
  listenerCount(event: 'drain'): number;
}
