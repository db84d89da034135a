import type { Selectable } from 'kysely';
import type { VmTable } from '../db/tables.ts';
import type { MachineImage, StorageEnforcement } from '../engine/machine.ts';
import type { Mapping, Visibility } from './networking/mapping.ts';
import type { PortForward, PortProtocol } from './networking/port-forward.ts';
import type { VmBoot } from './vm-boot.ts';
import { toVmStatus, type VmStatus } from './vm-status.ts';

/** Why the last attempt failed, in words that a user can act on. */
export interface VmFailure {
  /** The VM's status when it failed. */
  readonly step: VmStatus;
  readonly code: string;
  readonly message: string;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** The last lines that the app wrote, at most 20. */
  readonly logTail: readonly string[];
  /** ISO 8601. */
  readonly at: string;
  /** ISO 8601; absent when there is no automatic retry. */
  readonly retryAt?: string;
}

/** The image of a VM's container. */
export interface VmImage extends MachineImage {
  /** The incarnation of the VM that took the image; null after the restart that took another was undone. */
  readonly incarnation: number | null;
  /** When it was stored, by the database's clock. */
  readonly since: Date;
}

/** A VM with its mappings and ports. */
export interface Vm {
  readonly id: string;
  readonly number: number;
  readonly userId: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly distribution: string;
  readonly desktop: string | null;
  readonly cpu: number;
  readonly ramGb: number;
  readonly persistent: boolean;
  readonly enabled: boolean;
  readonly deleting: boolean;
  readonly generation: number;
  readonly incarnation: number;
  readonly status: VmStatus;
  readonly statusSince: Date;
  readonly observedAt: Date | null;
  readonly startedAt: Date | null;
  readonly lastFailure: VmFailure | null;
  /** Null before its first start. */
  readonly boot: VmBoot | null;
  readonly attempts: number;
  readonly engineRef: string | null;
  readonly address: string | null;
  readonly answeredHash: string | null;
  readonly undoneHash: string | null;
  readonly storageReady: boolean;
  readonly storageBytes: number;
  /** Size in GB of each volume that outlives a stop; null in rows of older versions until the next start. */
  readonly storageGb: number | null;
  /** How the engine enforces that size; null while there is no such volume. */
  readonly storageEnforcement: StorageEnforcement | null;
  /** What the container holds on the engine's disk outside those volumes, as last measured. */
  readonly scratchBytes: number;
  /** Null before its first boot, and after a stop that leaves no volume. */
  readonly image: VmImage | null;
  readonly lastEventSeq: number;
  readonly createdAt: Date;
  readonly mappings: readonly Mapping[];
  readonly ports: readonly PortForward[];
}

/** The row as vm-store selects it: PostgreSQL builds `mappings` and `ports` as JSON. */
export interface VmRow extends Omit<Selectable<VmTable>, 'last_failure' | 'boot'> {
  last_failure: unknown;
  boot: unknown;
  mappings: { name: string; internal_port: number; visibility: string }[];
  ports: { protocol: string; internal_port: number; public_port: number }[];
}

export function toVm(row: VmRow): Vm {
  return {
    id: row.id,
    number: row.number,
    userId: row.user_id,
    vmlabel: row.vmlabel,
    region: row.region,
    distribution: row.distribution,
    desktop: row.desktop,
    cpu: row.cpu,
    ramGb: row.ram_gb,
    persistent: row.persistent,
    enabled: row.enabled,
    deleting: row.deleting,
    generation: row.generation,
    incarnation: row.incarnation,
    status: toVmStatus(row.status),
    statusSince: row.status_since,
    observedAt: row.observed_at,
    startedAt: row.started_at,
    lastFailure: row.last_failure as VmFailure | null,
    boot: row.boot as VmBoot | null,
    attempts: row.attempts,
    engineRef: row.engine_ref,
    address: row.address,
    answeredHash: row.answered_hash,
    undoneHash: row.undone_hash,
    storageReady: row.storage_ready,
    storageBytes: row.storage_bytes,
    storageGb: row.storage_gb,
    storageEnforcement: row.storage_enforcement as StorageEnforcement | null,
    scratchBytes: row.scratch_bytes,
    image: imageOf(row),
    lastEventSeq: row.last_event_seq,
    createdAt: row.created_at,
    mappings: row.mappings.map(({ name, internal_port, visibility }) => ({
      vmId: row.id,
      name,
      internalPort: internal_port,
      visibility: visibility as Visibility,
    })),
    ports: row.ports.map(({ protocol, internal_port, public_port }) => ({
      vmId: row.id,
      region: row.region,
      protocol: protocol as PortProtocol,
      internalPort: internal_port,
      publicPort: public_port,
    })),
  };
}

function imageOf(row: VmRow): VmImage | null {
  const { image_reference, image_id, image_digest, image_stand_in_for, image_incarnation, image_since } = row;
  if (image_reference === null || image_id === null || image_since === null) return null;
  return {
    reference: image_reference,
    id: image_id,
    ...(image_digest !== null && { digest: image_digest }),
    ...(image_stand_in_for !== null && { standInFor: image_stand_in_for }),
    incarnation: image_incarnation,
    since: image_since,
  };
}
