import type { Observation } from './machine.ts';

/**
 * 'open' if the operator turned isolation off. `unheld`: machines are isolated, but the host cannot hold these limits,
 * so one of them can use up what all share; for an operator.
 */
export type IsolationState = 'isolated' | 'open' | { readonly unheld: readonly string[] };

/** Excludes blocks reserved for root, which count neither as used nor as free. */
export interface DiskSpace {
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Files and directories that the disk has, and has room for (inodes). Absent if only its bytes limit them. */
  readonly files?: { readonly used: number; readonly free: number };
}

/** A node of a cluster. */
export interface EngineNode {
  readonly name: string;
  /** Whether its engine answers and the cluster has not missed it. */
  readonly isThere: boolean;
  /** As the operator set it: 'pause': it takes no new machines; 'drain': those that it has leave it. */
  readonly availability: 'active' | 'pause' | 'drain';
  /** Why nothing starts there, although it is there; for an operator. */
  readonly problem?: string;
  /** Machines that were last seen there. */
  readonly machines: number;
  /** As last read. */
  readonly disk?: DiskSpace;
}

export interface EngineDescription {
  /** In the notation of images: 'amd64', 'arm64'. Absent if the engine does not report it. */
  readonly architecture?: string;
  readonly images: readonly EngineImage[];
}

export interface EngineImage {
  readonly id: string;
  /** By tag and by digest. Empty if another image took over the tag and no registry has this one. */
  readonly references: readonly string[];
  /** 'repository@sha256:…', one for each registry that the image came from. */
  readonly repoDigests: readonly string[];
}

export interface Inventory {
  /** Without exit codes, errors and other containers, which only `observe` returns. */
  readonly machines: readonly (Observation & Labelled)[];
  readonly volumes: readonly ({ readonly id: string; readonly name: string } & Labelled)[];
}

/** The spec's `labels` and those of the driver. */
export interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}

export interface EngineEvent {
  readonly id: string;
  /** The engine's id of the container. During a replacement a machine has two. */
  readonly ref: string;
  readonly action:
    | 'created'
    | 'started'
    | 'exited'
    | 'oom'
    | 'paused'
    | 'resumed'
    | 'removed'
    | 'renamed'
    | 'disconnected'
    | 'other';
  readonly exitCode?: number;
}
