const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines, whatever chunks they come in: splits no character, loses no half line. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest = Buffer.alloc(0);

  /** A line longer than `maxBytes` is an error: the other side does not speak what we think it does. */
  constructor(maxBytes = 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The lines that `chunk` completes, without their ends, empty ones left out. Throws a RangeError when one is too
   * long.
   */
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

  /** What came after the last end of a line. */
  rest(): string {
    return this.#rest.toString('utf8').trim();
  }
}
