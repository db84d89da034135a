import type { EngineProblem } from '../../vm/engine-facts.ts';
import { EngineError } from '../../engine/engine-error.ts';

/** What is known of an engine's walls around VMs; undefined before the first answer. */
export type Walls = 'isolated' | 'open' | { readonly failure: string } | undefined;

export interface EngineHealth {
  /** For an operator: 'ok', or what is wrong and what to do. */
  readonly summary: string;
  /** Whether VMs can be started there. */
  readonly canStart: boolean;
  /** Why not; absent when they can. */
  readonly problem?: EngineProblem;
}

export function toEngineHealth(isAnswering: boolean, walls: Walls): EngineHealth {
  if (!isAnswering) return { summary: 'unreachable', canStart: false, problem: 'ENGINE_UNREACHABLE' };
  if (walls === 'open')
    return { summary: 'OPEN, for VM_ISOLATION=off: VMs reach each other, the host and private networks', canStart: true };
  if (typeof walls === 'object') {
    return { summary: `isolation cannot be had: ${walls.failure}`, canStart: false, problem: 'ISOLATION_FAILED' };
  }
  return { summary: 'ok', canStart: true };
}

/** The same of an engine whose disk is full: what runs goes on. */
export function withDisk(health: EngineHealth, isFull: boolean): EngineHealth {
  if (!isFull || !health.canStart) return health;
  return { summary: 'its disk is past DISK_WATERMARK, nothing new is started: free space on it', canStart: false, problem: 'NO_SPACE' };
}

/** The same of an engine that has VMs which the database does not know. They stay as they are, and so does all else. */
export function withOrphans(health: EngineHealth, count: number): EngineHealth {
  if (count === 0) return health;
  const said = `${count} of its VMs ${count === 1 ? 'is' : 'are'} not in the database and kept: see swiftor orphans list`;
  return { ...health, summary: health.summary === 'ok' ? said : `${health.summary}; ${said}` };
}

/** What an attempt to wall VMs off failed with says of the walls; nothing, when the engine only did not answer. */
export function toWalls(error: unknown, before: Walls): Walls {
  return error instanceof EngineError && error.code === 'ISOLATION_FAILED' ? { failure: error.message } : before;
}
