import type { GraphQLResolveInfo } from 'graphql';
import { findAuditEntries } from '../../../audit/audit-store.ts';
import { findVms } from '../../../vm/store/vm-store.ts';
import type { Vm } from '../../../vm/vm.ts';
import type { Context } from '../context.ts';
import { selectedFields } from '../selected-fields.ts';
import { nodeProperties } from '../vm/vm-selection.ts';
import { parseGlobalId, type NodeType } from '../global-id.ts';

type Key = readonly string[];
type Reader = (keys: readonly Key[], context: Context, info: GraphQLResolveInfo) => Promise<(object | undefined)[]>;

/**
 * The objects with these ids, in their order. Null for an id of nothing and for one of another account's object. Reads
 * only what is selected, in one statement for each type that is asked for; values of secrets take a second one.
 */
export async function readNodes(
  ids: readonly string[],
  context: Context,
  info: GraphQLResolveInfo,
): Promise<(object | null)[]> {
  const places = ids.map((id, index) => ({ index, ...parseGlobalId(id) }));
  const found = Array.from<object | null>({ length: ids.length }).fill(null);
  const byType = Map.groupBy(places, ({ type }) => type);
  await Promise.all(
    [...byType].map(async ([type, asked]) => {
      if (type === undefined) return;
      const keys = asked.map(({ key = [] }) => key);
      const nodes = await READERS[type](keys, context, info);
      for (const [position, { index }] of asked.entries()) {
        const node = nodes[position];
        if (node !== undefined) found[index] = { ...node, __typename: type };
      }
    }),
  );
  return found;
}

/** Finds the objects of one type by their keys, in the order of the keys, as far as the caller may see them. */
const READERS: Readonly<Record<NodeType, Reader>> = {
  Account: async (keys, { viewer: { userId } }) => keys.map(([id]) => (id === userId ? { userId } : undefined)),
  Plan: async (keys, { catalog }) => keys.map(([code = '']) => catalog.plans.get(code)),
  Region: async (keys, { catalog }) => keys.map(([code = '']) => catalog.regions.get(code)),
  Distribution: async (keys, { catalog }) => keys.map(([code = '']) => catalog.distributions.get(code)),
  Vm: (keys, context, info) => readVms('Vm', keys, context, info),
  async SubdomainMapping(keys, context, info) {
    const vms = await readVms('SubdomainMapping', keys, context, info);
    return keys.map(([, name], index) =>
      withVm(
        vms[index]?.mappings.find((each) => each.name === name),
        vms[index],
      ),
    );
  },
  async PortForward(keys, context, info) {
    const vms = await readVms('PortForward', keys, context, info);
    return keys.map(([, protocol, port], index) => {
      const isAsked = (each: Vm['ports'][number]): boolean =>
        each.protocol === protocol && String(each.internalPort) === port;
      return withVm(vms[index]?.ports.find(isAsked), vms[index]);
    });
  },
  async VmSecret(keys, context, info) {
    const vms = await readVms('VmSecret', keys, context, info);
    const hasValue = selectedFields(info, [], 'VmSecret').has('value');
    return Promise.all(
      keys.map(async ([, key], index) => {
        const vm = vms[index];
        if (vm === undefined) return undefined;
        const { loaders } = context;
        const secrets = await (hasValue ? loaders.secretValues(vm.id) : loaders.secrets(vm.id));
        return withVm(
          secrets.find((each) => each.key === key),
          vm,
        );
      }),
    );
  },
  async AuditEntry(keys, { db, viewer }) {
    const numbers = keys.flatMap(([number = '']) => (/^\d{1,15}$/.test(number) ? [Number(number)] : []));
    const entries = await findAuditEntries(db, viewer.userId, numbers);
    return keys.map(([number]) => entries.find((entry) => String(entry.number) === number));
  },
};

/** The caller's VMs that the keys begin with, each undefined if there is none. */
async function readVms(
  type: NodeType,
  keys: readonly Key[],
  { db, viewer }: Context,
  info: GraphQLResolveInfo,
): Promise<(Vm | undefined)[]> {
  const vms = await findVms(
    db,
    viewer.userId,
    keys.map(([id = '']) => id),
    nodeProperties(info)[type] ?? new Set(),
  );
  return keys.map(([id = '']) => vms.get(id));
}

function withVm<T>(part: T | undefined, vm: Vm | undefined): (T & { readonly vm: Vm }) | undefined {
  return part === undefined || vm === undefined ? undefined : { ...part, vm };
}
