import type { MachineLogLine } from '../../machine.ts';

const HEADER_BYTES = 8;
const NEWLINE = 0x0a;
/** Longer lines are truncated. */
export const MAX_LINE_BYTES = 16 * 1024;
/** The engine splits messages at 16 KiB, so a longer frame means that this is no stream of frames. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** How many messages back a repetition is recognized. */
const REMEMBERED_MESSAGES = 1000;

type StreamName = MachineLogLine['stream'];

interface OpenLine {
  readonly at: Date;
  text: Buffer;
  /** False for one that was left out. */
  readonly isAdmitted: boolean;
}

/**
 * Parses the engine's log stream with timestamps. Each frame is a message of stdout or stderr, which starts with its
 * time and ends with a newline unless it is only a part of a line.
 */
export class LogLines {
  readonly #open = new Map<StreamName, OpenLine>();
  #rest = Buffer.alloc(0);
  /** Times and streams of the last messages, oldest first. */
  readonly #seen: string[] = [];
  /** Those of `#seen` that a repetition may still contain. */
  #repeatable: string[] | undefined;
  readonly #admit: (bytes: number) => boolean;

  /** See `LogOptions.admit`. */
  constructor(admit: (bytes: number) => boolean = () => true) {
    this.#admit = admit;
  }

  /** Returns the lines that `chunk` completes. Throws a RangeError if the stream has no frames. */
  push(chunk: Buffer): readonly MachineLogLine[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: MachineLogLine[] = [];
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUInt32BE(4);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`A frame of ${length} bytes is too long for a log.`);
      if (bytes.length < HEADER_BYTES + length) break;
      const line = this.#addMessage(
        bytes[0] === 2 ? 'stderr' : 'stdout',
        bytes.subarray(HEADER_BYTES, HEADER_BYTES + length),
      );
      if (line) lines.push(line);
      bytes = bytes.subarray(HEADER_BYTES + length);
    }
    this.#rest = Buffer.from(bytes);
    return lines;
  }

  /**
   * Called between two streams of the same log, the second of which repeats the end of the first; repeated messages are
   * skipped. Returns the time from which the second stream should start; undefined if no message was read.
   */
  expectRepetition(): string | undefined {
    this.#rest = Buffer.alloc(0);
    this.#repeatable = [...this.#seen];
    return this.#seen[0]?.split(' ')[0];
  }

  /** The lines without a line end. */
  end(): readonly MachineLogLine[] {
    const lines = [...this.#open].flatMap(([stream, line]) => (line.isAdmitted ? [toLine(stream, line)] : []));
    this.#open.clear();
    return lines.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  }

  #addMessage(stream: StreamName, message: Buffer): MachineLogLine | undefined {
    const space = message.indexOf(' ');
    const time = message.toString('latin1', 0, Math.max(0, space));
    if (this.#isRepeated(`${time} ${stream}`)) return undefined;
    const isWhole = message.at(-1) === NEWLINE;
    const line = this.#open.get(stream) ?? {
      at: new Date(time),
      text: Buffer.alloc(0),
      isAdmitted: this.#admit(message.length - space - 1),
    };
    if (line.isAdmitted) {
      const part = message.subarray(space + 1, isWhole ? -1 : undefined);
      line.text = Buffer.concat([line.text, part.subarray(0, MAX_LINE_BYTES - line.text.length)]);
    }
    if (isWhole) this.#open.delete(stream);
    else this.#open.set(stream, line);
    return isWhole && line.isAdmitted ? toLine(stream, line) : undefined;
  }

  #isRepeated(key: string): boolean {
    // Parts of one line have the same time, so each match counts once.
    const index = this.#repeatable?.indexOf(key) ?? -1;
    if (index !== -1) {
      this.#repeatable?.splice(index, 1);
      return true;
    }
    this.#seen.push(key);
    if (this.#seen.length > REMEMBERED_MESSAGES) this.#seen.shift();
    return false;
  }
}

function toLine(stream: StreamName, { at, text }: OpenLine): MachineLogLine {
  // Truncation may have split the last character; terminals end lines with \r\n.
  const whole = text.length === MAX_LINE_BYTES ? text.toString('utf8').replace(/\uFFFD$/, '') : text.toString('utf8');
  return { at, stream, text: whole.replace(/\r$/, '') };
}
