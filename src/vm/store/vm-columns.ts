import { sql } from 'kysely';
import type { Vm, VmImage } from '../vm.ts';
import { toVmStatus } from '../vm-status.ts';

export type VmProperty = keyof Vm;

/** PostgreSQL builds what is in other tables, or absent as a whole, as one JSON value: a VM takes one statement. */
const mappings = sql<Vm['mappings']>`(
  select coalesce(json_agg(json_build_object(
    'vmId', m.vm_id, 'name', m.name, 'internalPort', m.internal_port, 'visibility', m.visibility) order by m.name), '[]')
  from vm_mapping m where m.vm_id = vm.id
)`.as('mappings');
const ports = sql<Vm['ports']>`(
  select coalesce(json_agg(json_build_object(
    'vmId', p.vm_id, 'region', vm.region, 'node', vm.node, 'protocol', p.protocol, 'internalPort', p.internal_port,
    'publicPort', p.public_port) order by p.protocol, p.internal_port), '[]')
  from vm_port p where p.vm_id = vm.id
)`.as('ports');
const image = sql<StoredImage | null>`
  case when vm.image_reference is not null and vm.image_id is not null and vm.image_since is not null then
    json_build_object('reference', vm.image_reference, 'id', vm.image_id, 'digest', vm.image_digest,
      'standInFor', vm.image_stand_in_for, 'incarnation', vm.image_incarnation, 'since', vm.image_since)
  end
`.as('image');

/** A running VM whose app is asked has no write for each answer: its watcher's row has the time for all of its VMs. */
export const selectObservedAt = sql<Date | null>`greatest(
  vm.observed_at, (select w.checked_at from watcher w where w.owner = vm.watcher)
)`;

interface StoredImage {
  readonly reference: string;
  readonly id: string;
  readonly digest: string | null;
  readonly standInFor: string | null;
  readonly incarnation: number | null;
  readonly since: string;
}

/** What selects each property, under its own name. */
const COLUMNS = {
  id: 'vm.id',
  number: 'vm.number',
  userId: 'vm.user_id as userId',
  vmlabel: 'vm.vmlabel',
  region: 'vm.region',
  distribution: 'vm.distribution',
  desktop: 'vm.desktop',
  cpu: 'vm.cpu',
  ramGb: 'vm.ram_gb as ramGb',
  persistent: 'vm.persistent',
  enabled: 'vm.enabled',
  deleting: 'vm.deleting',
  generation: 'vm.generation',
  incarnation: 'vm.incarnation',
  status: 'vm.status',
  statusSince: 'vm.status_since as statusSince',
  observedAt: selectObservedAt.as('observedAt'),
  startedAt: 'vm.started_at as startedAt',
  lastFailure: 'vm.last_failure as lastFailure',
  boot: 'vm.boot',
  attempts: 'vm.attempts',
  engineRef: 'vm.engine_ref as engineRef',
  address: 'vm.address',
  node: 'vm.node',
  answeredHash: 'vm.answered_hash as answeredHash',
  undoneHash: 'vm.undone_hash as undoneHash',
  storageReady: 'vm.storage_ready as storageReady',
  storageBytes: 'vm.storage_bytes as storageBytes',
  storageGb: 'vm.storage_gb as storageGb',
  storageEnforcement: 'vm.storage_enforcement as storageEnforcement',
  scratchBytes: 'vm.scratch_bytes as scratchBytes',
  image,
  lastEventSeq: 'vm.last_event_seq as lastEventSeq',
  createdAt: 'vm.created_at as createdAt',
  mappings,
  ports,
} as const satisfies Record<VmProperty, unknown>;

export const ALL_VM_PROPERTIES: ReadonlySet<VmProperty> = new Set(Object.keys(COLUMNS) as VmProperty[]);

/** For `select`: the properties in a fixed order, because the text of a statement is its identity. */
export function columnsOf(properties: ReadonlySet<VmProperty>) {
  return [...ALL_VM_PROPERTIES].filter((property) => properties.has(property)).map((property) => COLUMNS[property]);
}

/** Turns a row into the VM, in place. It has the properties that were selected. */
export function toVm(row: object): Vm {
  const vm = row as { status?: string; image?: StoredImage | VmImage | null };
  if (vm.status !== undefined) vm.status = toVmStatus(vm.status);
  if (vm.image != null) vm.image = toImage(vm.image as StoredImage);
  return row as Vm;
}

function toImage({ digest, standInFor, since, ...rest }: StoredImage): VmImage {
  return {
    ...rest,
    ...(digest !== null && { digest }),
    ...(standInFor !== null && { standInFor }),
    since: new Date(since),
  };
}
