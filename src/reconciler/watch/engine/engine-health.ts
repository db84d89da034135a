import type { EngineProblem } from '../../../vm/engine-facts.ts';
import type { EngineNode, IsolationState } from '../../../engine/engine-reports.ts';
import { EngineError } from '../../../engine/engine-error.ts';

/** Whether VMs are isolated on an engine; undefined before the first answer. */
export type IsolationHealth = IsolationState | { readonly failure: string } | undefined;

export interface EngineHealth {
  /** For an operator: 'ok', or what is wrong and what to do. */
  readonly summary: string;
  /** Whether VMs can be started there. */
  readonly canStart: boolean;
  /** Why not; absent when they can. */
  readonly problem?: EngineProblem;
  /** The number of limits that its host cannot hold; absent when it holds all. */
  readonly unheld?: number;
}

export function toEngineHealth(isAnswering: boolean, isolation: IsolationHealth): EngineHealth {
  if (!isAnswering) return { summary: 'unreachable', canStart: false, problem: 'ENGINE_UNREACHABLE' };
  if (isolation === 'open') {
    return {
      summary: 'OPEN, for VM_ISOLATION=off: VMs reach each other, the host and private networks',
      canStart: true,
    };
  }
  if (typeof isolation === 'object' && 'unheld' in isolation) {
    const list = isolation.unheld.join(', ');
    return {
      summary: `one VM can use up what all on its host share: ${list}`,
      canStart: true,
      unheld: isolation.unheld.length,
    };
  }
  if (typeof isolation === 'object') {
    return { summary: `isolation failed: ${isolation.failure}`, canStart: false, problem: 'ISOLATION_FAILED' };
  }
  return { summary: 'ok', canStart: true };
}

/** Adds a full disk to the health. Running VMs are not affected. */
export function withDisk(health: EngineHealth, isFull: boolean): EngineHealth {
  if (!isFull || !health.canStart) return health;
  return {
    summary: 'its disk is past DISK_WATERMARK, nothing new is started: free space on it',
    canStart: false,
    problem: 'NO_SPACE',
  };
}

/** Adds what is wrong with single nodes of a cluster. The others go on. */
export function withNodes(health: EngineHealth, nodes: readonly EngineNode[]): EngineHealth {
  const away = nodes.filter(({ isThere }) => !isThere).map(({ name }) => name);
  const unfit = nodes.filter(({ problem, isThere }) => isThere && problem !== undefined).map(({ name }) => name);
  const notes = [
    ...(away.length > 0 ? [`nodes that are not there: ${away.join(', ')}`] : []),
    ...(unfit.length > 0 ? [`nodes that cannot isolate VMs and take none: ${unfit.join(', ')}`] : []),
  ];
  return notes.reduce(withNote, health);
}

function withNote(health: EngineHealth, note: string): EngineHealth {
  return { ...health, summary: health.summary === 'ok' ? note : `${health.summary}; ${note}` };
}

/** Adds the number of orphaned VMs to the summary. They do not affect other VMs. */
export function withOrphans(health: EngineHealth, count: number): EngineHealth {
  if (count === 0) return health;
  const note = `${count} of its VMs ${count === 1 ? 'is' : 'are'} not in the database and kept: see swiftor orphans list`;
  return withNote(health, note);
}

/** The isolation state after a failed check. An engine that only did not answer keeps the state from before. */
export function isolationAfterError(error: unknown, before: IsolationHealth): IsolationHealth {
  return error instanceof EngineError && error.code === 'ISOLATION_FAILED' ? { failure: error.message } : before;
}
