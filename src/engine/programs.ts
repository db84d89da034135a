import type { Duplex } from 'node:stream';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Who runs a program in a machine, and what it is kept from. */
export interface ProgramContext {
  /** The user by name; the image's own user if it has none of that name, or if absent. */
  readonly user?: string | undefined;
  /** Variables of the container that the program does not get, because their values are secret. */
  readonly hidden: readonly string[];
}

export interface TerminalOptions extends ProgramContext {
  readonly size: TerminalSize;
}

/** A shell on a terminal in a machine. */
export interface MachineTerminal {
  /**
   * What is typed and what is shown. Ends with the shell, or with the container. Paused at first; it has an error
   * listener, and whoever does not read lets the shell wait.
   */
  readonly stream: Duplex;
  resize(size: TerminalSize): Promise<void>;
  /** After the end of the stream; undefined if the engine does not know it. */
  exitCode(): Promise<number | undefined>;
  /** Closes the stream and hangs up: all processes of the terminal get HUP, and KILL 2 s later. */
  close(): void;
}

export interface ProgramOptions extends ProgramContext {
  readonly command: readonly [program: string, ...args: string[]];
  readonly milliseconds: number;
  /** Of stdout and of stderr each; what exceeds it is read and discarded. */
  readonly maxOutputBytes: number;
}

export interface ProgramOutput {
  readonly text: string;
  readonly isCut: boolean;
}

/** Why nothing runs: the container does not run, or its image has no such program or no /bin/sh. */
export type ProgramProblem = 'not-running' | 'no-program' | 'no-shell';

/** How a program ended. After a timeout its processes have been killed. */
export type ProgramEnd =
  | {
      readonly kind: 'exited';
      readonly exitCode: number;
      readonly stdout: ProgramOutput;
      readonly stderr: ProgramOutput;
    }
  | { readonly kind: 'timed-out' }
  | { readonly kind: ProgramProblem };
