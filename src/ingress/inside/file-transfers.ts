import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { FileProblem } from '../../engine/files.ts';
import { networkOf } from '../../http/request/network-of.ts';
import { searchOf } from '../../http/request/search-of.ts';
import { answerPlain, answerUnavailable } from '../../http/response/plain-answer.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request/request-id.ts';
import type { Log } from '../../log.ts';
import { listVmFiles, openVmFile, rootsOf, writeVmFile } from '../../vm/inside/vm-files.ts';
import type { InsideDependencies } from '../../vm/inside/vm-terminals.ts';
import { SocketLimits } from '../access/socket-limits.ts';
import { UnsentBytes } from '../proxy/unsent-bytes.ts';
import type { Admitted } from './admit.ts';

/** Each is a container for a moment, and two for a listing. */
const LIMITS = { perVm: 12, perTicket: 6, perNetwork: 0 };
/** How long a client may send nothing of an upload. */
const STALL_MS = 60_000;

interface FileTransfersOptions extends InsideDependencies {
  readonly addressOf: (req: IncomingMessage) => string;
  readonly log: Log;
}

type Problem = FileProblem | 'no-access';
const PROBLEMS: Readonly<Record<Problem, readonly [status: number, words: string]>> = {
  'not-running': [409, 'The VM was stopped, or its container replaced.'],
  'not-found': [404, 'There is nothing at this path of the folders that the VM keeps.'],
  link: [409, 'The path leads through a symbolic link, which is not followed.'],
  'no-file': [409, 'What is at this path is no file.'],
  'no-space': [507, 'The storage of the VM is full: there is no room for this file.'],
  'not-whole': [400, 'The file did not come in whole, so none of it was kept.'],
  'no-access': [403, 'Your access has ended.'],
};

/**
 * Files of VMs: `GET ?path=` lists a directory as JSON, `GET` and `PUT` of the file path read and write one. With
 * `parents=1`, a `PUT` makes missing directories.
 *
 * INVARIANT: a transfer ends with the access and the container, and nothing of it is held in memory but its buffers.
 */
export class FileTransfers {
  readonly #options: FileTransfersOptions;
  readonly #limits = new SocketLimits(LIMITS);
  readonly #unsent = new UnsentBytes();

  constructor(options: FileTransfersOptions) {
    this.#options = options;
  }

  list(req: IncomingMessage, res: ServerResponse, admitted: Admitted): Promise<void> {
    return this.#run(req, res, admitted, async (path, signal) => {
      const { vm, target } = admitted;
      const roots = rootsOf(this.#options, vm);
      const directory = path === '' ? roots[0] : path;
      if (directory === undefined) return 'not-found';
      const list = await listVmFiles(this.#options, vm, { ref: target.ref, path: directory }, signal);
      if (typeof list === 'string') return list;
      const entries = list.entries.map(({ name, kind, bytes, modifiedAt }) => ({ name, kind, bytes, modifiedAt }));
      const body = JSON.stringify({ path: directory, roots, entries, isWhole: list.isWhole });
      answerPlain(res, 200, body, { 'Content-Type': 'application/json; charset=utf-8' });
      return undefined;
    });
  }

  read(req: IncomingMessage, res: ServerResponse, admitted: Admitted): Promise<void> {
    return this.#run(req, res, admitted, async (path, signal, request) => {
      const file = await openVmFile(this.#options, admitted.vm, { ...request, path }, signal);
      if (typeof file === 'string') return file;
      try {
        const name = `${path.split('/').at(-1) ?? 'file'}${file.kind === 'archive' ? '.tar' : ''}`;
        res.writeHead(200, {
          'Content-Type': 'application/octet-stream',
          'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, escapeChar)}`,
          ...(file.bytes !== undefined && { 'Content-Length': String(file.bytes) }),
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
          'Content-Security-Policy': "default-src 'none'; sandbox",
          [REQUEST_ID_HEADER]: requestIdOf(req),
        });
        await pipeline(file.content, res, { signal });
      } finally {
        await file.close();
      }
      return undefined;
    });
  }

  write(req: IncomingMessage, res: ServerResponse, admitted: Admitted): Promise<void> {
    const bytes = Number(req.headers['content-length']);
    if (!Number.isSafeInteger(bytes)) {
      answerPlain(res, 411, 'Send the size of the file as Content-Length.', { Connection: 'close' });
      return Promise.resolve();
    }
    return this.#run(req, res, admitted, async (path, signal, request) => {
      const onStall = (): void => void req.destroy();
      req.socket.setTimeout(STALL_MS, onStall);
      try {
        const makesParents = new URLSearchParams(searchOf(req.url)).get('parents') === '1';
        const content = { bytes, content: req, makesParents };
        const problem = await writeVmFile(this.#options, admitted.vm, { ...request, path }, content, signal);
        if (problem === undefined) answerPlain(res, 201, 'The file is there.');
        return problem;
      } finally {
        req.socket.setTimeout(0).off('timeout', onStall);
      }
    });
  }

  close(): void {
    this.#unsent.close();
  }

  /** Runs a transfer until its end, or that of the client, the access or the container, and answers what went wrong. */
  async #run(
    req: IncomingMessage,
    res: ServerResponse,
    { vm, ticket, target }: Admitted,
    transfer: (
      path: string,
      signal: AbortSignal,
      request: { readonly accessId: string; readonly from: string; readonly ref: string },
    ) => Promise<Problem | undefined>,
  ): Promise<void> {
    const from = this.#options.addressOf(req);
    const client = { vmId: vm.id, ticketId: ticket.id, network: networkOf(from) };
    const release = this.#limits.acquire(client);
    if (release === undefined)
      return answerPlain(res, 429, 'Too many files are on their way; wait for some.', { 'Retry-After': '2' });
    this.#unsent.watchSocket(req.socket, client);
    const ending = new AbortController();
    const cut = (): void => ending.abort();
    const endWatch = ticket.onEnd(cut);
    target.signal.addEventListener('abort', cut, { once: true });
    res.once('close', cut);
    target.load.open += 1;
    try {
      if (target.signal.aborted) cut();
      ending.signal.throwIfAborted();
      const path = new URLSearchParams(searchOf(req.url)).get('path') ?? '';
      const request = { accessId: ticket.id, from, ref: target.ref };
      const problem = await transfer(path, ending.signal, request);
      if (problem !== undefined) answerProblem(req, res, problem);
    } catch (error) {
      this.#answerError(req, res, { vmId: vm.id, isCut: ending.signal.aborted, error, isOpen: ticket.isOpen });
    } finally {
      release();
      endWatch();
      target.signal.removeEventListener('abort', cut);
      res.off('close', cut);
      target.load.open -= 1;
    }
  }

  #answerError(
    req: IncomingMessage,
    res: ServerResponse,
    { vmId, isCut, error, isOpen }: { vmId: string; isCut: boolean; error: unknown; isOpen: boolean },
  ): void {
    if (isCut) return answerProblem(req, res, isOpen ? 'not-running' : 'no-access');
    if (!isDatabaseUnavailable(error) && !(error instanceof EngineError && !error.isRefusal))
      this.#options.log.error({ requestId: requestIdOf(req), vmId, err: error }, "a transfer of a VM's file failed");
    if (res.headersSent) res.destroy();
    else answerUnavailable(res, 2, "The VM's engine does not answer; try again shortly.");
  }
}

function answerProblem(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  const [status, words] = PROBLEMS[problem];
  // The rest of an upload stays unread.
  answerPlain(res, status, words, req.complete ? {} : { Connection: 'close' });
}

function escapeChar(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
