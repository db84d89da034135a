import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { MachineTerminal } from '../../engine/programs.ts';
import { networkOf } from '../../http/request/network-of.ts';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { requestIdOf } from '../../http/request/request-id.ts';
import type { Log } from '../../log.ts';
import { openVmTerminal, type InsideDependencies } from '../../vm/inside/vm-terminals.ts';
import { SocketLimits } from '../access/socket-limits.ts';
import { UnsentBytes } from '../proxy/unsent-bytes.ts';
import type { Admitted } from './admit.ts';
import { readTerminalSize } from './terminal-messages.ts';
import { TERMINAL_END, TerminalSession, type TerminalEnd, type TerminalTimes } from './terminal-session.ts';

/** Each is two processes in the VM. */
const LIMITS = { perVm: 16, perTicket: 8, perNetwork: 0 };
const MAX_MESSAGE_BYTES = 64 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;
export const TERMINAL_TIMES: TerminalTimes = { idleMs: 3_600_000, checkMs: 15_000, silentMs: 45_000 };

interface TerminalSocketsOptions extends InsideDependencies {
  readonly addressOf: (req: IncomingMessage) => string;
  readonly log: Log;
  /** TERMINAL_TIMES by default. */
  readonly times?: TerminalTimes | undefined;
}

/**
 * The WebSockets of terminals.
 *
 * INVARIANT: a terminal ends with the access, the container and the WebSocket, whichever ends first, and its processes
 * with it.
 */
export class TerminalSockets {
  readonly #options: TerminalSocketsOptions;
  readonly #server: WebSocketServer;
  readonly #limits = new SocketLimits(LIMITS);
  readonly #unsent = new UnsentBytes();
  readonly #closing = new AbortController();

  constructor(options: TerminalSocketsOptions) {
    this.#options = options;
    // Not inline: the types do not know closeTimeout.
    const settings = { noServer: true, maxPayload: MAX_MESSAGE_BYTES, closeTimeout: CLOSE_TIMEOUT_MS } as const;
    this.#server = new WebSocketServer(settings);
  }

  /** Opens a terminal for an upgrade request. */
  accept(req: IncomingMessage, res: ServerResponse, head: Buffer, admitted: Admitted): void {
    const { vm, ticket } = admitted;
    const client = { vmId: vm.id, ticketId: ticket.id, network: networkOf(this.#options.addressOf(req)) };
    const release = this.#limits.acquire(client);
    if (release === undefined)
      return answerPlain(res, 429, 'Too many terminals are open here; close some of them.', { 'Retry-After': '10' });
    req.socket.once('close', release);
    this.#unsent.watchSocket(req.socket, client);
    res.detachSocket(req.socket);
    this.#server.handleUpgrade(req, req.socket, head, (socket) => {
      void this.#serve(socket, req, admitted);
    });
  }

  /** Ends all terminals, and each that opens later. */
  endAll(): void {
    this.#closing.abort();
  }

  close(): void {
    this.endAll();
    this.#unsent.close();
  }

  /** Never rejects. */
  async #serve(socket: WebSocket, req: IncomingMessage, { vm, ticket, target }: Admitted): Promise<void> {
    socket.on('error', () => undefined);
    // What is typed waits until there is a shell.
    socket.pause();
    const ending = new AbortController();
    let terminal: MachineTerminal | undefined;
    const end = ({ code, words }: TerminalEnd): void => {
      socket.resume();
      socket.close(code, words);
      terminal?.close();
      ending.abort();
    };
    const cuts = [
      [target.signal, () => end(TERMINAL_END.vmStopped)],
      [this.#closing.signal, () => end(TERMINAL_END.goingAway)],
    ] as const;
    req.socket.once('close', () => ending.abort());
    target.load.open += 1;
    const endWatch = ticket.onEnd(() => end(TERMINAL_END.accessEnded));
    for (const [signal, cut] of cuts) {
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut, { once: true });
    }
    try {
      const request = {
        accessId: ticket.id,
        from: this.#options.addressOf(req),
        ref: target.ref,
        size: readTerminalSize(req.url),
      };
      ending.signal.throwIfAborted();
      const opened = await openVmTerminal(this.#options, vm, request, ending.signal);
      if (typeof opened === 'string') return end(endOf(opened));
      terminal = opened;
      ending.signal.throwIfAborted();
      end(await new TerminalSession(socket, opened, this.#options.times ?? TERMINAL_TIMES).run());
    } catch (error) {
      terminal?.close();
      if (ending.signal.aborted) return;
      this.#logFailure(req, vm.id, error);
      end(TERMINAL_END.unavailable);
    } finally {
      endWatch();
      for (const [signal, cut] of cuts) signal.removeEventListener('abort', cut);
      target.load.open -= 1;
    }
  }

  #logFailure(req: IncomingMessage, vmId: string, err: unknown): void {
    // An outage of the engine or the database has its own lines.
    if (isDatabaseUnavailable(err) || (err instanceof EngineError && !err.isRefusal)) return;
    this.#options.log.error({ requestId: requestIdOf(req), vmId, err }, 'failed to open a terminal');
  }
}

function endOf(problem: 'not-running' | 'no-program' | 'no-shell' | 'no-access'): TerminalEnd {
  if (problem === 'no-access') return TERMINAL_END.accessEnded;
  return problem === 'not-running' ? TERMINAL_END.vmStopped : TERMINAL_END.noShell;
}
