import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Refusals } from '../../../src/ingress/access/refusals.ts';
import { app, BASE, fetchText, gateway, HOST, upstream, VM } from '../../support/ingress/ingress.ts';

/** A gateway that knows one VM, whose `secret-` address is closed. `looks`: how often it looked something up. */
async function limited() {
  const port = await app((_req, res) => res.end('the app'));
  const addressOf = (req: { headers: Record<string, unknown> }) => String(req.headers['x-from']);
  const looks: string[] = [];
  const entry = await gateway(
    (vmId, name) => {
      looks.push(vmId);
      if (vmId !== VM) return { kind: 'not-found' };
      return name === 'secret' ? { kind: 'denied' } : upstream(port);
    },
    {
      addressOf,
      refusals: new Refusals({ addressOf, perSecond: 0.1 }),
      isKnown: ({ vmId }) => vmId === VM,
    },
  );
  const statusOf = async (from: string, host: string) =>
    (await fetchText(entry.port, { headers: { Host: host, 'X-From': from } })).status;
  return { statusOf, looks };
}

const madeUp = () => `${randomUUID()}.${BASE}`;

describe('an address that is refused again and again', () => {
  it.each([
    ['for made-up VMs', madeUp],
    ['for one that it may not open', () => `secret-${HOST}`],
  ])('%s gets 429, but what is open to it', async (_what, hostOf) => {
    const { statusOf, looks } = await limited();
    expect(await statusOf('10.0.0.1', hostOf())).toBe(404);
    looks.length = 0;
    expect([await statusOf('10.0.0.1', hostOf()), await statusOf('10.0.0.1', madeUp())]).toEqual([429, 429]);
    // No look-up for what is not known.
    expect(looks.filter((vmId) => vmId !== VM)).toEqual([]);
    expect(await statusOf('10.0.0.1', HOST)).toBe(200);
    expect(await statusOf('10.0.0.2', hostOf())).toBe(404);
  });
});
