import DataLoader from 'dataloader';
import type { Db, Trx } from '../../db/database.ts';
import { isStorable, STORABLE_RULE } from '../../db/is-storable.ts';
import { badInput } from '../../errors.ts';
import { toPage, type Page, type PageRequest } from '../../lib/page.ts';
import { toVm } from './vm-columns.ts';
import { createListStatement, type ListDirection, type ListedVm, type ListRequest } from './vm-list-statement.ts';
import type { VmFilter, VmSelection } from './vm-list-statement.ts';
import type { Vm } from '../vm.ts';

/** The items have the selected properties. */
export interface VmPage extends Page<Vm> {
  /** Absent unless it is selected. */
  readonly totalCount?: number;
}

/**
 * Lists a page of the account's VMs in order of creation. Lists of all accounts that are asked for at the same time,
 * with the same selection, share a statement. BAD_USER_INPUT for a filter with a text that cannot be stored.
 */
export async function listVms(
  db: Db,
  userId: string,
  { page, filter }: { page: PageRequest; filter: VmFilter },
  selection: VmSelection,
): Promise<VmPage> {
  refuseUnstorable(filter);
  const { after = 0, before = Number.MAX_SAFE_INTEGER, size, fromEnd } = page;
  const loader = loadersOf(db, selection)[fromEnd ? 'desc' : 'asc'];
  const rows = await loader.load({ ...filter, userId, after, before, limit: size + 1 });
  const total = rows[0]?.total;
  // A list without VMs has one row, with its total.
  const vms = rows.filter(({ id }) => id !== null).map(toVm);
  return { ...toPage(vms, page), ...(total !== undefined && { totalCount: total }) };
}

/** One list must not make the statement fail for all that share it. */
function refuseUnstorable({ region, search }: VmFilter): void {
  const problems = Object.entries({ region, search })
    .filter(([, text]) => text != null && !isStorable(text))
    .map(([name]) => ({ path: `filter.${name}`, message: STORABLE_RULE }));
  if (problems.length > 0) throw badInput(problems);
}

/** Counts the account's VMs, including those that are being deleted. */
export async function countVms(db: Db | Trx, userId: string): Promise<number> {
  const { total } = await db
    .selectFrom('vm')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return total;
}

type Loaders = Readonly<Record<ListDirection, DataLoader<ListRequest, readonly ListedVm[]>>>;

/** More in one statement would leave the database's other processes idle. */
const MAX_BATCH = 16;

/** A compiled operation selects with the same object each time. */
const loaders = new WeakMap<Db, WeakMap<VmSelection, Loaders>>();

function loadersOf(db: Db, selection: VmSelection): Loaders {
  const known = loaders.get(db) ?? new WeakMap<VmSelection, Loaders>();
  loaders.set(db, known);
  const created = known.get(selection) ?? {
    asc: createLoader(db, selection, 'asc'),
    desc: createLoader(db, selection, 'desc'),
  };
  known.set(selection, created);
  return created;
}

function createLoader(db: Db, selection: VmSelection, direction: ListDirection): Loaders[ListDirection] {
  const list = createListStatement(selection, direction);
  return new DataLoader(
    async (requests) => {
      const { rows } = await list(db, {
        requests: JSON.stringify(requests.map((each, index) => ({ ...each, index }))),
      });
      const lists: ListedVm[][] = requests.map(() => []);
      for (const row of rows) lists[row.index]?.push(row);
      return lists;
    },
    // Node runs it when it has read all requests that have arrived.
    { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: (send) => void setImmediate(send) },
  );
}
