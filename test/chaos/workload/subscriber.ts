import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface StreamEvent {
  readonly seq: string;
  readonly kind: string;
  readonly vmId: string;
  readonly status: string;
}

const QUERY = 'subscription ($after: String) { vmEvents(after: $after) { seq kind vmId status } }';
const RETRY_MS = 200;

/** One that is cut while it connects emits an error that nobody waits for. */
class CutWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args);
    this.on('error', () => undefined);
  }
}

export interface SubscriberOptions {
  readonly userId: string;
  readonly token: string;
  readonly transport: 'graphql-ws' | 'SSE';
  /** A gateway that serves now, undefined while there is none. */
  readonly findUrl: () => string | undefined;
  /** The number of the last event that it counts as seen. */
  readonly after: number;
}

/**
 * A client that follows an account's events and resumes after the last one that it saw whenever its connection ends.
 */
export class Subscriber implements AsyncDisposable {
  readonly userId: string;
  readonly transport: SubscriberOptions['transport'];
  /** What its stream should not have brought, as a sentence each. */
  readonly gaps: string[] = [];
  /** The last status that it received for each VM. */
  readonly statuses = new Map<string, string>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #seen: number;

  constructor({ userId, token, transport, findUrl, after }: SubscriberOptions) {
    this.userId = userId;
    this.transport = transport;
    this.#seen = after;
    const follow = transport === 'SSE' ? followBySse : followByWebSocket;
    this.#running = this.#run(async (signal) => {
      const url = findUrl();
      if (url !== undefined)
        await follow({ url, token, after: String(this.#seen), signal }, (event) => this.take(event));
    });
  }

  get seen(): number {
    return this.#seen;
  }

  take({ seq, kind, vmId, status }: StreamEvent): void {
    if (kind === 'PROGRESS') return;
    const number = Number(seq);
    if (kind === 'SNAPSHOT') this.gaps.push(`got a snapshot instead of the events after ${this.#seen}`);
    else if (number !== this.#seen + 1) this.gaps.push(`got ${number} after ${this.#seen}`);
    this.#seen = number;
    this.statuses.set(vmId, status);
  }

  async #run(connect: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await connect(signal).catch(() => undefined);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}

interface Connection {
  readonly url: string;
  readonly token: string;
  readonly after: string;
  readonly signal: AbortSignal;
}

type Take = (event: StreamEvent) => void;

/** Resolves, or rejects, when the stream ends. */
async function followByWebSocket({ url, token, after, signal }: Connection, take: Take): Promise<void> {
  const connectionParams = { authorization: `Bearer ${token}` };
  const address = `${url.replace('http', 'ws')}/graphql`;
  const client = createClient({ url: address, webSocketImpl: CutWebSocket, connectionParams, retryAttempts: 0 });
  const end = (): void => void client.dispose();
  signal.addEventListener('abort', end, { once: true });
  try {
    for await (const { data } of client.iterate<{ vmEvents: StreamEvent }>({ query: QUERY, variables: { after } })) {
      if (data?.vmEvents !== undefined) take(data.vmEvents);
    }
  } finally {
    signal.removeEventListener('abort', end);
    await client.dispose();
  }
}

async function followBySse({ url, token, after, signal }: Connection, take: Take): Promise<void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: QUERY, variables: { after } }),
    signal,
  });
  if (response.body === null || response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return;
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((each) => each.startsWith('data: {'))) {
      const { data } = JSON.parse(line.slice('data: '.length)) as { data?: { vmEvents: StreamEvent } };
      if (data != null) take(data.vmEvents);
    }
  }
}
