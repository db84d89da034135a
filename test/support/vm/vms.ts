import type { TestGateway } from '../gateway/gateway.ts';

/** A VM as most tests want one: ubuntu with xfce on the tiny image. */
export const VM_INPUT = {
  vmlabel: 'MyWebServer',
  region: 'AU',
  password: 'your-secure-password',
  distribution: 'ubuntu',
  desktop: 'xfce',
  cpu: 1,
  ram: 1,
} as const;

/** Settings of forwarded ports for what opens none. */
export const FORWARD = { from: 30_000, to: 30_999, bind: '127.0.0.1', hostOf: () => 'localhost' } as const;

/** Creates a VM and answers with its id. */
export async function createVm(
  gateway: Pick<TestGateway, 'graphql'>,
  token: string,
  input: Record<string, unknown> = {},
): Promise<string> {
  const { data, errors } = await gateway.graphql<{ createVm: { id: string } }>(
    token,
    'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }',
    { input: { ...VM_INPUT, ...input } },
  );
  if (data == null) throw new Error(`The VM was not created: ${JSON.stringify(errors)}`);
  return data.createVm.id;
}

export interface SeenEvent {
  readonly seq: string;
  readonly kind: string;
  readonly vmId: string;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly reason: string | null;
}

export const EVENTS =
  'subscription ($vmId: ID, $after: String) { vmEvents(vmId: $vmId, after: $after) { seq kind vmId status previousStatus reason } }';

/**
 * The events of a subscription until one fits, that one included; rejects when none did in time, with what came
 * instead.
 */
export async function eventsUntil(
  gateway: TestGateway,
  token: string,
  variables: { vmId?: string; after?: string },
  isLast: (event: SeenEvent) => boolean,
  onReady: () => Promise<unknown> = async () => undefined,
  deadline = 25_000,
): Promise<SeenEvent[]> {
  const client = gateway.subscribe(token);
  const seen: SeenEvent[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`Only these events came in ${deadline} ms: ${JSON.stringify(seen)}`)),
    deadline,
  );
  const unsubscribe = client.subscribe<{ vmEvents: SeenEvent }>(
    { query: EVENTS, variables },
    {
      next({ data, errors }) {
        if (data?.vmEvents === undefined || data.vmEvents === null) {
          reject(new Error(`The subscription failed: ${JSON.stringify(errors)}`));
          return;
        }
        seen.push(data.vmEvents);
        if (seen.length === 1) onReady().catch(reject);
        if (isLast(data.vmEvents)) resolve();
      },
      error: (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
      complete: () => resolve(),
    },
  );
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    unsubscribe();
    await client.dispose();
  }
  return seen;
}
