import type { ProgramOutput } from '../../programs.ts';

const HEADER_BYTES = 8;

/** Splits the frames of a program without a terminal into its two streams as they come, each cut after `maxBytes`. */
export class OutputFrames {
  readonly #stdout: KeptOutput;
  readonly #stderr: KeptOutput;
  #header = Buffer.alloc(0);
  /** Bytes that are still to come of the current frame. */
  #left = 0;
  #isStderr = false;

  constructor(maxBytes: number) {
    this.#stdout = new KeptOutput(maxBytes);
    this.#stderr = new KeptOutput(maxBytes);
  }

  /** `edit` sees each piece of stdout and returns what is kept of it. */
  push(chunk: Buffer, edit: (stdout: Buffer) => Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) {
        const part = chunk.subarray(at, at + HEADER_BYTES - this.#header.length);
        at += part.length;
        this.#header = Buffer.concat([this.#header, part]);
        if (this.#header.length < HEADER_BYTES) return;
        this.#isStderr = this.#header[0] === 2;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#isStderr) this.#stderr.push(part);
      else this.#stdout.push(edit(part));
    }
  }

  stdout(): ProgramOutput {
    return this.#stdout.read();
  }

  stderr(): ProgramOutput {
    return this.#stderr.read();
  }
}

class KeptOutput {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Buffer): void {
    const room = Math.max(0, this.#maxBytes - this.#bytes);
    // A copy: a slice would keep the whole chunk.
    if (room > 0) this.#chunks.push(Buffer.from(bytes.subarray(0, room)));
    this.#bytes += bytes.length;
  }

  read(): ProgramOutput {
    // `stream` leaves out a character that the cut has divided.
    const isCut = this.#bytes > this.#maxBytes;
    return { text: new TextDecoder().decode(Buffer.concat(this.#chunks), { stream: isCut }), isCut };
  }
}
