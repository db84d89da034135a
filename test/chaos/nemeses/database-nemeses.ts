import type { DatabaseWay } from '../../support/database/database-proxy.ts';
import type { Nemesis, Reach } from './nemesis.ts';

const TERMINATE =
  "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'swiftor%' and pid <> pg_backend_pid()";

function through(name: string, seconds: number, way: DatabaseWay): Nemesis {
  return {
    name,
    seconds,
    async begin({ rig }) {
      rig.databaseProxy.set(way);
      return async () => rig.databaseProxy.set('pass');
    },
  };
}

function end(name: string, seconds: number, signal: 'SIGINT' | 'SIGKILL'): Nemesis {
  return {
    name,
    seconds,
    async begin({ rig }) {
      await rig.database.end(signal);
      return () => rig.database.start();
    },
  };
}

/** VMs that are made after the copy was, and that the restored database so does not know. */
const FORGOTTEN = 3;
/** VMs that are made after the restoration: numbers are given out again. */
const NEW_ONES = 7;

/** The database goes back to an earlier state, in which VMs that the engine runs are missing. */
function restore(name: string, newOnes: number, copy: (reach: Reach) => Promise<void>): Nemesis {
  return {
    name,
    // Longer than orphans are left alone.
    seconds: 100,
    isQuiet: true,
    isLast: true,
    async begin(reach) {
      const { rig, history, observe, perform, comeToRest, resubscribe, random } = reach;
      const create = async (count: number, mark: string): Promise<string[]> => {
        const before = new Set(history.vms.keys());
        for (let n = 0; n < count; n += 1) {
          await perform(random.pick(rig.accounts), { kind: 'create', label: `${mark} ${n}`, persistent: true });
        }
        return [...history.vms.keys()].filter((id) => !before.has(id));
      };
      await copy(reach);
      const ids = await create(FORGOTTEN, 'forgotten');
      for (const id of ids) {
        const account = rig.accounts.find(({ userId }) => userId === history.vms.get(id)?.userId);
        if (account !== undefined) await perform(account, { kind: 'start', vmId: id });
      }
      await comeToRest();
      const { volumes } = await observe();
      await stopGateways(reach);
      await rig.database.end('SIGQUIT');
      await rig.database.restoreFrom(name);
      await rig.database.start();
      for (const id of ids) {
        history.vms.delete(id);
        history.forgotten.push({
          id,
          volumes: volumes.filter(({ vmId, isLasting }) => vmId === id && isLasting).map((volume) => volume.name),
        });
      }
      await startGateways(reach);
      await resubscribe();
      await create(newOnes, 'after');
      return async () => undefined;
    },
  };
}

async function stopGateways({ rig }: Reach): Promise<void> {
  for (const gateway of rig.gateways) {
    gateway.isHit = true;
    await gateway.end('SIGKILL');
  }
}

async function startGateways({ rig }: Reach): Promise<void> {
  for (const gateway of rig.gateways) {
    await gateway.start();
    gateway.isHit = false;
  }
}

export const DATABASE_NEMESES: readonly Nemesis[] = [
  end('database-kill', 3, 'SIGKILL'),
  end('database-stop', 10, 'SIGINT'),
  {
    name: 'database-terminate',
    seconds: 3,
    async begin({ rig }) {
      await rig.database.query(TERMINATE);
      return async () => void (await rig.database.query(TERMINATE));
    },
  },
  {
    name: 'database-pause',
    seconds: 15,
    async begin({ rig }) {
      await rig.database.signalAll('SIGSTOP');
      return () => rig.database.signalAll('SIGCONT');
    },
  },
  through('database-blackhole', 15, 'blackhole'),
  through('database-lost-answers', 8, 'lose-answers'),
  through('database-cut', 8, 'cut'),
  through('database-slow', 10, 300),
  restore('restore-backup', 0, ({ rig }) => rig.database.backUp('restore-backup')),
  restore('restore-crash-copy', 0, async ({ rig }) => {
    await rig.database.signalAll('SIGSTOP');
    await rig.database.copyTo('restore-crash-copy');
    await rig.database.signalAll('SIGCONT');
  }),
  restore('restore-clean-copy', NEW_ONES, async (reach) => {
    await stopGateways(reach);
    await reach.rig.database.end('SIGINT');
    await reach.rig.database.copyTo('restore-clean-copy');
    await reach.rig.database.start();
    await startGateways(reach);
  }),
];
