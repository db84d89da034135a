import type { Actor } from '../audit/viewer.ts';

/** What an engine has of a VM that is not in the database. */
export interface OrphanReport {
  readonly id: string;
  /** The regions of its engine. */
  readonly regions: readonly string[];
  /** State of its container; null without one. */
  readonly state: string | null;
  readonly volumes: readonly string[];
  /** The owner, as far as its labels say. */
  readonly userId: string | null;
  /** The VM was deleted: what is left is being removed. */
  readonly isDeleted: boolean;
}

export interface OrphanReports {
  readonly orphans: readonly OrphanReport[];
  /** What could not be asked; null if every engine was. */
  readonly problem: string | null;
}

/** Replaces what the labels of an orphan lack. */
export interface OrphanOrder {
  readonly userId?: string;
  readonly region?: string;
  readonly distribution?: string;
  readonly desktop?: string;
  readonly cpu?: number;
  readonly ramGb?: number;
  readonly vmlabel?: string;
}

/**
 * What operators do with orphans, over the engines themselves. Methods reject with an ApiError that says the way out.
 */
export interface OrphanDesk {
  list(): Promise<OrphanReports>;
  /** Restores the VM with its volumes, off. */
  adopt(operator: Actor, id: string, order: OrphanOrder): Promise<void>;
  /** Removes its containers and volumes for good. */
  remove(operator: Actor, id: string): Promise<void>;
}
