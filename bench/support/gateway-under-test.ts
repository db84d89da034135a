import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startGatewayProcess } from '../../test/support/gateway/gateway-process.ts';
import { ROOMY_LIMITS } from '../../test/support/gateway/roomy-limits.ts';

const READY_DEADLINE_MS = 30_000;
const DRAIN_DEADLINE_MS = 15_000;

/** A gateway in its own process, as an operator runs it. */
export interface GatewayUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The time from the process's start until it is ready, in milliseconds. */
  readonly readyMs: number;
}

/** Resolves once the gateway is ready. Its disposal stops it with a signal, and kills it if that takes too long. */
export async function startGateway(env: Readonly<Record<string, string>>): Promise<GatewayUnderTest> {
  const begun = performance.now();
  const gateway = await startGatewayProcess({ ...ROOMY_LIMITS, ...env });
  const { url, child, exited } = gateway;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([exited, delay(DRAIN_DEADLINE_MS, undefined, { ref: false })]);
    await gateway[Symbol.asyncDispose]();
  };
  try {
    while (!(await fetch(`${url}/health/ready`)).ok) {
      if (performance.now() - begun > READY_DEADLINE_MS)
        throw new Error(`The gateway was not ready within ${READY_DEADLINE_MS} ms.`);
      await delay(5);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const readyMs = performance.now() - begun;
  return { url, port: Number(new URL(url).port), pid: child.pid ?? 0, readyMs, [Symbol.asyncDispose]: stop };
}

/** Executes an operation and returns its data. Rejects with its errors. */
export async function askGateway<T>(url: string, token: string, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: unknown };
  if (data == null || errors !== undefined) throw new Error(`The gateway refused ${query}: ${JSON.stringify(errors)}`);
  return data;
}

export interface StatusWatch extends AsyncDisposable {
  /** When the VM reached the status, by performance.now(). Rejects if it FAILED, or after 30 s. */
  seen(vmId: string, status: string): Promise<number>;
}

const STATUS_DEADLINE_MS = 30_000;

/** Watches all VMs of the account over graphql-ws, like a dashboard. Wait for a status before you cause it. */
export function watchStatus(port: number, token: string): StatusWatch {
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
  const waiting = new Map<string, { status: string; resolve: (at: number) => void; reject: (error: Error) => void }>();
  const failAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
  };
  client.subscribe<{ vmEvents: { vmId: string; status: string } }>(
    { query: 'subscription { vmEvents { vmId status } }' },
    {
      next({ data, errors }) {
        const at = performance.now();
        if (data?.vmEvents == null) return failAll(new Error(`The subscription failed: ${JSON.stringify(errors)}`));
        const { vmId, status } = data.vmEvents;
        const waiter = waiting.get(vmId);
        if (waiter?.status === status) waiter.resolve(at);
        else if (status === 'FAILED') waiter?.reject(new Error(`The VM ${vmId} failed.`));
      },
      error: (error) => failAll(new Error('The subscription ended.', { cause: error })),
      complete: () => failAll(new Error('The gateway ended the subscription.')),
    },
  );
  return {
    async seen(vmId, status) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const late = (): void => reject(new Error(`The VM ${vmId} was not ${status} within ${STATUS_DEADLINE_MS} ms.`));
      const timer = setTimeout(late, STATUS_DEADLINE_MS);
      waiting.set(vmId, { status, resolve, reject });
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(vmId);
      }
    },
    [Symbol.asyncDispose]: async () => client.dispose(),
  };
}
