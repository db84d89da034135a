import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../../log.ts';
import type { SocketHolder } from '../access/socket-limits.ts';
import type { Ticket } from '../access/ticket.ts';
import type { Upstream } from '../routing/resolution.ts';
import type { AppPool } from './app-pools.ts';
import type { UnsentBytes } from './unsent-bytes.ts';

/** An authorized request to an app. */
export interface AppRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly target: Upstream;
  readonly pool: AppPool;
  /** The headers for the app, as a flat list of names and values. */
  readonly headers: string[];
  /** Whom it counts for. */
  readonly client: SocketHolder;
  readonly unsent: UnsentBytes;
  /** The app's cookie that only the gateway keeps. */
  readonly withheldCookie?: string | undefined;
  /** The request ends with this access. */
  readonly ticket: Ticket | undefined;
  readonly log: Log;
  /** Makes this a WebSocket upgrade. Called when the app answers 101; takes over the socket. */
  readonly onUpgrade?: (headers: readonly string[], app: Duplex) => void;
}
