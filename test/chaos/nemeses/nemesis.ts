import type { Account, Rig } from '../rig/rig.ts';
import type { Facts } from '../checks/facts.ts';
import type { History } from '../checks/history.ts';
import type { Random } from '../workload/random.ts';
import type { Operation } from '../workload/operations.ts';
import type { Answer } from '../rig/api-client.ts';

/** What a fault can reach. */
export interface Reach {
  readonly rig: Rig;
  readonly history: History;
  readonly random: Random;
  observe(): Promise<Facts>;
  perform(account: Account, operation: Operation): Promise<Answer>;
  /** Resolves when nothing contradicts what was promised; rejects when that takes too long. */
  comeToRest(): Promise<void>;
  /** Starts the subscribers anew from the database's last events. */
  resubscribe(): Promise<void>;
}

/** A fault: what is done, and for how long. */
export interface Nemesis {
  readonly name: string;
  /** How long it stays, in seconds. */
  readonly seconds: number;
  /** Whether it ends containers of VMs that nothing else touches. */
  readonly endsContainers?: boolean;
  /** Whether it needs an engine of its own, and so `npm run chaos`. */
  readonly needsOwnEngine?: boolean;
  /** Whether what it leaves behind is no start for another round. */
  readonly isLast?: boolean;
  /** Whether other users do nothing meanwhile; by default they do. */
  readonly isQuiet?: boolean;
  /** Why it cannot be tried here; undefined where it can. */
  readonly findObstacle?: () => Promise<string | undefined>;
  /** Begins it; what is returned ends it. */
  begin(reach: Reach): Promise<() => Promise<void>>;
}
