const NEWLINE = 0x0a;

/** Splits a stream of bytes into lines. Chunks may end anywhere, even within a character. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest = Buffer.alloc(0);

  /** A line longer than `maxBytes` is an error: the stream has another format. */
  constructor(maxBytes = 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the non-empty lines that `chunk` completes, without line ends. Throws a RangeError if one is too long. */
  push(chunk: Buffer): readonly string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(bytes.toString('utf8', start, end).trimEnd());
      start = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(start));
    if (this.#rest.length > this.#maxBytes) throw new RangeError(`A line is longer than ${this.#maxBytes} bytes.`);
    return lines.filter((line) => line !== '');
  }

  /** The text after the last line end. */
  rest(): string {
    return this.#rest.toString('utf8').trim();
  }
}
