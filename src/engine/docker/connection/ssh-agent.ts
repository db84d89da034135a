import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Agent, type ClientRequestArgs } from 'node:http';
import { Duplex } from 'node:stream';
import { inspect } from 'node:util';

export interface SshTarget {
  readonly destination: string;
  readonly port: number | undefined;
}

/**
 * The options before the destination. Keys, known hosts and jumps are those of OpenSSH's own configuration; nothing
 * asks a person.
 */
export function sshArguments({ destination, port }: SshTarget): string[] {
  const options = ['BatchMode=yes', 'ConnectTimeout=10', 'ServerAliveInterval=15', 'ServerAliveCountMax=2'];
  return [
    '-T',
    ...options.flatMap((option) => ['-o', option]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    destination,
    'docker system dial-stdio',
  ];
}

/**
 * Connects to the engine of another machine as Docker's own client does: each connection is a process of `ssh`, with a
 * `docker system dial-stdio` at its other end.
 */
export class SshAgent extends Agent {
  readonly #target: SshTarget;

  constructor(target: SshTarget) {
    // A connection takes a handshake of SSH: one that is idle serves the next call.
    super({ keepAlive: true });
    this.#target = target;
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    return new SshSocket(spawn('ssh', sshArguments(this.#target), { stdio: 'pipe' }));
  }

  /** See `TerseAgent`. */
  [inspect.custom](): string {
    return 'Agent';
  }
}

/** What the pipes of an `ssh` carry, with those methods of a socket that Node's client calls. */
class SshSocket extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #said = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    super({ allowHalfOpen: false });
    this.#child = child;
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(0, 300)));
    // A pipe that breaks is told by the end of the process.
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on('error', () => undefined);
    child.on('error', (error) => this.destroy(error));
    child.on('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(sshFailure(code, this.#said));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // An error ends the process, and that this socket.
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Not SIGTERM, which `docker` does not always follow. The other end sees its input end.
    this.#child.kill('SIGKILL');
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

function sshFailure(code: number | null, said: string): Error {
  const [line = ''] = said.trim().split('\n').slice(-1);
  const message = `ssh ended with ${code ?? 'a signal'}${line === '' ? '' : `: ${line}`}`;
  return Object.assign(new Error(message), { code: 'ESSH' });
}
