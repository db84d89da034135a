import type pg from 'pg';

/** What the peers read: an account's VMs, and the mappings of several VMs. */
export interface VmRow {
  readonly id: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly distribution: string;
  readonly desktop: string | null;
  readonly cpu: number;
  readonly ram_gb: number;
  readonly persistent: boolean;
  readonly enabled: boolean;
}

export interface MappingRow {
  readonly vm_id: string;
  readonly name: string;
  readonly internal_port: number;
}

const VMS = `select id, vmlabel, region, distribution, desktop, cpu, ram_gb, persistent, enabled
  from vm where user_id = $1 order by number limit 101`;
const MAPPINGS = `select vm_id, name, internal_port from vm_mapping where vm_id = any($1::uuid[]) order by vm_id, name`;

export async function readVms(pool: pg.Pool, userId: string): Promise<VmRow[]> {
  return (await pool.query<VmRow>({ name: 'vms', text: VMS, values: [userId] })).rows;
}

/** In the order of the ids, as a batch loader needs them. */
export async function readMappings(pool: pg.Pool, ids: readonly string[]): Promise<MappingRow[][]> {
  const { rows } = await pool.query<MappingRow>({ name: 'mappings', text: MAPPINGS, values: [ids] });
  const byVm = Map.groupBy(rows, ({ vm_id: vmId }) => vmId);
  return ids.map((id) => byVm.get(id) ?? []);
}

/** The schema of the peers: the part of ours that the list selects. */
export const TYPES = `
  type Query { vms(first: Int = 50, after: String): VmConnection! }
  type VmConnection { nodes: [Vm!]! }
  type Vm { id: ID! vmlabel: String! region: String! os: Os! specs: Specs! enabled: Boolean! networking: [Mapping!]! }
  type Os { distribution: String! desktop: String }
  type Specs { cpu: Int! ram: Int! storage: Boolean! }
  type Mapping { name: String! internalPort: Int! }
`;

export const FIELDS = {
  Vm: {
    os: (vm: VmRow) => vm,
    specs: ({ cpu, ram_gb: ram, persistent: storage }: VmRow) => ({ cpu, ram, storage }),
  },
  Mapping: { internalPort: ({ internal_port: port }: MappingRow) => port },
};
