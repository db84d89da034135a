import type { Nemesis, Reach } from './nemesis.ts';
import { idOf } from '../checks/history.ts';

const NOTHING = async (): Promise<void> => undefined;
const COMMANDS = 200;
const CHURNED = 12;

/** What a user with a shell on the engine's host may do to a container. */
const BY_HAND = ['stop', 'kill', 'remove', 'rename', 'pause', 'disconnect'] as const;

/** The containers of VMs that are on and that operations may replace at any time. */
async function findVictims({ history, observe }: Reach): Promise<{ id: string; vmId: string }[]> {
  const { containers } = await observe();
  const mayBe = (vmId: string | undefined): boolean =>
    vmId !== undefined && history.vms.get(vmId)?.isBystander === false;
  return containers.flatMap(({ id, vmId, isLive }) =>
    isLive && vmId !== undefined && mayBe(vmId) ? [{ id, vmId }] : [],
  );
}

async function touch({ rig: { docker } }: Reach, id: string, how: (typeof BY_HAND)[number]): Promise<void> {
  const container = docker.getContainer(id);
  switch (how) {
    case 'stop':
      return void (await container.stop({ t: 1 }));
    case 'kill':
      return void (await container.kill());
    case 'remove':
      return void (await container.remove({ force: true }));
    case 'rename':
      return void (await container.rename({ name: `renamed-${id.slice(0, 12)}` }));
    case 'pause':
      return void (await container.pause());
    case 'disconnect': {
      const { NetworkSettings } = await container.inspect();
      for (const name of Object.keys(NetworkSettings.Networks))
        await docker.getNetwork(name).disconnect({ Container: id });
    }
  }
}

export const USER_NEMESES: readonly Nemesis[] = [
  {
    name: 'containers-by-hand',
    seconds: 10,
    async begin(reach) {
      const victims = await findVictims(reach);
      await Promise.allSettled(
        victims.map(({ id }, index) => touch(reach, id, BY_HAND[index % BY_HAND.length] ?? 'kill')),
      );
      return NOTHING;
    },
  },
  {
    name: 'volumes-by-hand',
    seconds: 10,
    isLast: true,
    async begin(reach) {
      const { rig, history, observe } = reach;
      const { volumes } = await observe();
      for (const { id, vmId } of await findVictims(reach)) {
        const own = volumes.filter((volume) => volume.vmId === vmId);
        history.robbed.add(vmId);
        await touch(reach, id, 'remove').catch(NOTHING);
        for (const { name } of own) await rig.docker.getVolume(name).remove().catch(NOTHING);
      }
      return NOTHING;
    },
  },
  {
    name: 'many-commands',
    seconds: 1,
    isQuiet: true,
    async begin({ rig, random, perform }) {
      const account = random.pick(rig.accounts);
      const created = await perform(account, { kind: 'create', label: 'many commands', persistent: true });
      if (created.kind !== 'done') throw new Error('The VM for the commands was not created.');
      const vmId = idOf(created.data);
      const kinds = ['start', 'stop', 'restart'] as const;
      await Promise.all(Array.from({ length: COMMANDS }, () => perform(account, { kind: random.pick(kinds), vmId })));
      // They ran side by side: which one was the last is not known, until one comes after them all.
      await perform(account, { kind: 'restart', vmId });
      return NOTHING;
    },
  },
  {
    name: 'churn',
    seconds: 1,
    isQuiet: true,
    async begin({ rig, perform }) {
      const live = async (index: number): Promise<void> => {
        const account = rig.accounts[index % rig.accounts.length];
        if (account === undefined) return;
        for (let n = 0; n < CHURNED / 4; n += 1) {
          const answer = await perform(account, {
            kind: 'create',
            label: `churn ${index} ${n}`,
            persistent: n % 2 === 0,
          });
          if (answer.kind !== 'done') continue;
          const vmId = idOf(answer.data);
          for (const kind of ['start', 'restart', 'delete'] as const) await perform(account, { kind, vmId });
        }
      };
      await Promise.all([0, 1, 2, 3].map(live));
      return NOTHING;
    },
  },
  { name: 'soak', seconds: 60, begin: async () => NOTHING },
];
