import { sql, type RawBuilder } from 'kysely';
import { defineStatement, type Parameter, type Statement } from '../../db/statement-template.ts';
import type { VmProperty } from './vm-columns.ts';
import { VM_STATUSES, type VmStatus } from '../vm-status.ts';
import { selectVm } from './vm-store.ts';

/** Which VMs of an account to list. All conditions must hold. */
export interface VmFilter {
  readonly enabled?: boolean | null | undefined;
  readonly status?: readonly VmStatus[] | null | undefined;
  readonly region?: string | null | undefined;
  /** A part of the label, case-insensitive. */
  readonly search?: string | null | undefined;
}

/** What a list reads. */
export interface VmSelection {
  /** At least the id. */
  readonly properties: ReadonlySet<VmProperty>;
  readonly totalCount: boolean;
}

/** In order of creation, or the newest first. */
export type ListDirection = 'asc' | 'desc';

/** One of the lists of a statement: the account's VMs with numbers between `after` and `before` that match. */
export interface ListRequest extends VmFilter {
  readonly userId: string;
  readonly after: number;
  readonly before: number;
  readonly limit: number;
}

/** A VM with the selected properties, and the list that it is in. The one row of an empty list has the id null. */
export interface ListedVm {
  /** That of the request. */
  readonly index: number;
  readonly id: string | null;
  /** How many VMs match on all pages, if that is selected. */
  readonly total?: number;
}

/** `requests` is the JSON of an array of `ListRequest`, each with its `index`. */
export function createListStatement(
  { properties, totalCount }: VmSelection,
  direction: ListDirection,
): Statement<{ requests: string }, ListedVm> {
  const order = sql.raw(direction);
  const columns = [...properties].map((property) => sql.ref(`found.${property}`));
  return defineStatement((db, parameter: Parameter<{ requests: string }>) => {
    const found = selectVm(db, properties)
      .select('vm.number as position')
      .where(isAskedFor)
      .where(sql<boolean>`vm.number > request.after and vm.number < request.before`)
      .orderBy('vm.number', direction)
      .limit(sql<number>`request."limit"`);
    const counted = totalCount
      ? sql`cross join lateral (select count(*) as total from vm where ${isAskedFor}) as counted`
      : sql``;
    return sql<ListedVm>`
      select request.index, ${sql.join([...columns, ...(totalCount ? [sql.ref('counted.total')] : [])])}
      from jsonb_to_recordset(${parameter('requests')}::jsonb) as request (
        index int, "userId" text, after bigint, before bigint, "limit" int,
        enabled boolean, status text[], region text, search text
      )
      ${counted}
      left join lateral (${found}) as found on true
      order by request.index, found.position ${order}
    `;
  });
}

/** UNKNOWN includes every status that this version does not know, as in `toVmStatus`. */
const status = sql`case when vm.status in (${sql.join(VM_STATUSES.map(sql.lit))}) then vm.status else 'UNKNOWN' end`;

const isAskedFor: RawBuilder<boolean> = sql<boolean>`
  vm.user_id = request."userId"
  and (request.enabled is null or vm.enabled = request.enabled)
  and (request.region is null or vm.region = request.region)
  and (request.search is null or strpos(lower(vm.vmlabel), lower(request.search)) > 0)
  and (request.status is null or ${status} = any(request.status))
`;
