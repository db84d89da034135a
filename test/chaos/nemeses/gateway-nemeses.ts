import { globSync } from 'node:fs';
import type { GatewaySlot } from '../rig/gateway-slot.ts';
import type { Nemesis } from './nemesis.ts';

const FAKETIME = '/usr/lib/*/faketime/libfaketime.so.1';
/** Far more than any lease or deadline. */
const AHEAD = '+10m';

/** Does `harm` to the gateways and starts those that ended again. */
function hit(name: string, seconds: number, count: number, harm: (gateway: GatewaySlot) => Promise<void>): Nemesis {
  return {
    name,
    seconds,
    async begin({ rig }) {
      const gateways = rig.gateways.slice(0, count);
      for (const gateway of gateways) gateway.isHit = true;
      await Promise.all(gateways.map(harm));
      return async () => {
        for (const gateway of gateways) {
          gateway.signal('SIGCONT');
          await gateway.start();
          gateway.isHit = false;
        }
      };
    },
  };
}

export const GATEWAY_NEMESES: readonly Nemesis[] = [
  hit('gateway-kill', 4, 1, (gateway) => gateway.end('SIGKILL')),
  hit('gateway-kill-all', 2, 2, (gateway) => gateway.end('SIGKILL')),
  hit('gateway-pause', 15, 1, async (gateway) => gateway.signal('SIGSTOP')),
  hit('gateway-term', 4, 1, (gateway) => gateway.end('SIGTERM')),
  {
    name: 'gateway-clock',
    seconds: 20,
    async findObstacle() {
      return globSync(FAKETIME).length > 0 ? undefined : `${FAKETIME} is missing: install Debian's package faketime`;
    },
    async begin({ rig }) {
      const [gateway] = rig.gateways;
      if (gateway === undefined) throw new Error('There is no gateway.');
      const restart = async (env: Readonly<Record<string, string>>): Promise<void> => {
        gateway.isHit = true;
        await gateway.end('SIGTERM');
        await gateway.start(env);
        gateway.isHit = false;
      };
      await restart({ LD_PRELOAD: globSync(FAKETIME)[0] ?? '', FAKETIME: AHEAD, FAKETIME_DONT_FAKE_MONOTONIC: '1' });
      return () => restart({});
    },
  },
];
