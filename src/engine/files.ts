import type { Readable } from 'node:stream';

export interface FileEntry {
  readonly name: string;
  /** A symbolic link is a 'link', whatever it leads to. */
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly bytes: number;
  readonly modifiedAt: Date;
}

export interface FileList {
  readonly entries: readonly FileEntry[];
  /** False if there are more than a list holds. Names with a line break are in none. */
  readonly isWhole: boolean;
}

/** A file that is being read, or a directory as a tar archive. The caller closes it. */
export interface OpenFile {
  readonly kind: 'file' | 'archive';
  /** Of a file. */
  readonly bytes: number | undefined;
  /** Has an error listener. */
  readonly content: Readable;
  close(): Promise<void>;
}

export interface NewFile {
  readonly bytes: number;
  readonly content: Readable;
  /** Whether missing directories of its path are made, with the owner of theirs. Default: 'not-found' then. */
  readonly makesParents?: boolean;
}

/**
 * Why nothing was read or written: the container does not run; there is nothing at the path, or no directory; a part
 * of the path is a symbolic link; it is no file; the volume is full; not all of the new file came.
 */
export type FileProblem = 'not-running' | 'not-found' | 'link' | 'no-file' | 'no-space' | 'not-whole';

/**
 * Lists, reads and writes files in the volumes of machines while their container `ref` runs. Paths are those in the
 * container, absolute and normalized. Outside of the volumes there is nothing, and a path through a symbolic link leads
 * nowhere, also if the link comes into being meanwhile. A stop of the machine does not wait for any of it.
 */
export interface FileAccess {
  /** What is in a directory. Takes about 0.5 s. */
  list(id: string, ref: string, directory: string, signal: AbortSignal): Promise<FileList | FileProblem>;

  /** Opens a file, or a directory as an archive. */
  read(id: string, ref: string, file: string, signal: AbortSignal): Promise<OpenFile | FileProblem>;

  /**
   * Writes a file, with the owner of its directory, in place of one of that name once it is whole. Resolves to what
   * went wrong.
   */
  write(id: string, ref: string, file: string, content: NewFile, signal: AbortSignal): Promise<FileProblem | undefined>;
}
