import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import { ALL_VM_PROPERTIES, type VmProperty } from '../../../vm/store/vm-columns.ts';
import type { VmDependencies } from '../../../vm/commands/vm-command.ts';
import type { VmSelection } from '../../../vm/store/vm-list-statement.ts';
import type { Context } from '../context.ts';
import type { NodeType } from '../global-id.ts';
import { selectedFields } from '../selected-fields.ts';

/**
 * The properties that the resolver of each field of `Vm` reads. A field that is not here reads the property of its name
 * or, if there is none, may read all.
 */
const PROPERTIES: Readonly<Record<string, readonly VmProperty[]>> = {
  __typename: ['id'],
  os: ['distribution', 'desktop'],
  specs: ['cpu', 'ramGb', 'persistent'],
  image: ['image', 'region', 'distribution', 'desktop'],
  progress: ['id', 'status'],
  changeUndone: ['undoneHash'],
  url: ['id'],
  storageGb: ['persistent', 'storageEnforcement', 'storageGb'],
  storageUsedGb: ['storageBytes'],
  scratchUsedGb: ['engineRef', 'scratchBytes'],
  scratchLimitGb: ['distribution'],
  secrets: ['id'],
  secret: ['id'],
  openAccess: ['id'],
  networking: ['mappings'],
};
/** The fields whose objects lead back to their VM by a field `vm`. */
const BELONGINGS = ['networking', 'ports', 'secret', 'secrets'] as const;
const KNOWN: ReadonlySet<string> = ALL_VM_PROPERTIES;

type Info = Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>;

/** What a field that returns a VM must read. */
export const selectedProperties = perOperation(
  (info): ReadonlySet<VmProperty> => new Set(propertiesOf(vmFields(info))),
);

/** The context of a mutation that returns a VM: its command reads of the VM only what is selected. */
export function withSelection(context: Context, info: Info): Context & Pick<VmDependencies, 'returned'> {
  return { ...context, returned: selectedProperties(info) };
}

/** What a field that returns a Node must read of VMs, by the type of the Node. */
export const nodeProperties = perOperation((info): Readonly<Partial<Record<NodeType, ReadonlySet<VmProperty>>>> => ({
  // Never empty: nodes may be selected without any field.
  Vm: new Set(['id', ...propertiesOf(vmFields(info, [], 'Vm'))]),
  VmSecret: new Set(['id', ...propertiesOf(vmFields(info, ['vm'], 'VmSecret'))]),
  SubdomainMapping: new Set(['id', 'mappings', ...propertiesOf(vmFields(info, ['vm'], 'SubdomainMapping'))]),
  PortForward: new Set(['id', 'ports', ...propertiesOf(vmFields(info, ['vm'], 'PortForward'))]),
}));

/** What a field that returns a VmConnection must read. */
export const connectionSelection = perOperation((info): VmSelection => {
  const page = selectedFields(info);
  const vms = [...vmFields(info, ['nodes']), ...vmFields(info, ['edges', 'node'])];
  const hasCursors = page.has('pageInfo') || selectedFields(info, ['edges']).has('cursor');
  return {
    // Never empty: a page may be selected without its VMs.
    properties: new Set<VmProperty>(['id', ...propertiesOf(vms), ...(hasCursors ? (['number'] as const) : [])]),
    totalCount: page.has('totalCount'),
  };
});

/** The fields that are selected of a VM, also of the same VM that its belongings lead back to. */
function vmFields(info: Info, path: readonly string[] = [], type?: NodeType): ReadonlySet<string> {
  const fields = selectedFields(info, path, type);
  const back = BELONGINGS.filter((name) => fields.has(name));
  return new Set([...fields, ...back.flatMap((name) => [...vmFields(info, [...path, name, 'vm'], type)])]);
}

function propertiesOf(fields: Iterable<string>): VmProperty[] {
  return [...fields].flatMap(
    (name) => PROPERTIES[name] ?? (KNOWN.has(name) ? [name as VmProperty] : [...ALL_VM_PROPERTIES]),
  );
}

/** Selects once for each list of nodes, which is the same for every execution of a compiled operation. */
function perOperation<T extends object>(select: (info: Info) => T): (info: Info) => T {
  const selected = new WeakMap<readonly FieldNode[], T>();
  return (info) => {
    const known = selected.get(info.fieldNodes) ?? select(info);
    selected.set(info.fieldNodes, known);
    return known;
  };
}
